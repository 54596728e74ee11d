"""Named reads about exceptions from gate policies."""

from datetime import datetime

from django.db.models import Q

from governance.gate_policy import Check, read_policy
from governance.models import GateReport, ThresholdException
from registry.models import ModelVersion, Policy


def checks_for(version: ModelVersion, policy: Policy, at: datetime) -> list[Check]:
    """The policy's checks, between the limits that hold for this version at that time.

    The newest live exception of each check counts. Raises GatePolicyMalformed.
    """
    granted = (
        ThresholdException.objects.filter(policy=policy, granted_at__lte=at, expires_at__gt=at)
        .filter(Q(version=version) | Q(version=None, model=version.model_id))
        .order_by("id")
    )
    newest = {exception.check_name: exception for exception in granted}
    return [_between(check, newest.get(check.name)) for check in read_policy(policy.body)]


def ended_exception(report: GateReport, at: datetime) -> ThresholdException | None:
    """An exception that the report was judged by and that has ended since."""
    used = {result["exception"] for result in report.results if result.get("exception")}
    return ThresholdException.objects.filter(entry__in=used, expires_at__lte=at).first()


def _between(check: Check, exception: ThresholdException | None) -> Check:
    if exception is None:
        return check
    return check.overridden(exception.minimum, exception.maximum, str(exception.entry_id))

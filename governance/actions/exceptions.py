"""Exceptions from a gate policy, as they come into force with the last approval of their request."""

from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.events import Event
from governance.models import ChangeRequest, ThresholdException
from governance.queries.policies import gate_policy


@action(Event.EXCEPTION_GRANTED, needs="governance.grant_exception")
def grant_exception(change: ChangeRequest, *, by: User) -> ThresholdException:
    """Put the limits that a granted request asks for in the place of the policy's. Raises NoGatePolicy.

    The database refuses what no granted request asks for, and a second exception of the same request.
    """
    version, terms, now = change.version, change.terms, timezone.now()
    assert version is not None
    policy = gate_policy(version.model, now)
    whole_model: bool = terms["whole_model"]
    exception = ThresholdException(
        change_request=change,
        model=version.model,
        version=None if whole_model else version,
        policy=policy,
        check_name=terms["check"],
        minimum=terms["minimum"],
        maximum=terms["maximum"],
        justification=change.rationale,
        compensating_controls=terms["compensating_controls"],
        granted_at=now,
        expires_at=_end_of(date.fromisoformat(terms["expires_on"])),
    )
    exception.entry = record(
        subject=version.subject,
        change_request=change.pk,
        evidence_digest=change.evidence_digest,
        policy=str(policy),
        policy_sha256=policy.sha256,
        expires_at=exception.expires_at,
        justification=change.rationale,
        **terms,
    )
    exception.save(force_insert=True)
    return exception


def _end_of(day: date) -> datetime:
    """The midnight, in UTC, with which the day ends."""
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)

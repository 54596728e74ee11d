"""Asking for what is out of the ordinary: an exception from a gate policy."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action
from audit.errors import FieldProblem
from governance.asking import put_request
from governance.errors import ChangeMalformed
from governance.events import Event
from governance.gate_policy import override_problems, read_policy
from governance.models import ChangeRequest
from governance.queries.changes import request_evidence
from governance.queries.policies import gate_policy
from registry.models import ModelVersion

Kind = ChangeRequest.Kind
LONGEST_EXCEPTION = timedelta(days=365)
"""How long an exception can last: until the yearly review of the model at the latest (our choice)."""


@dataclass(frozen=True)
class Override:
    """Which check is to be judged between which limits, until the end of which day (UTC), and what makes up for it.

    `whole_model`: for every version of the model, else for the one asked about.
    """

    check: str
    minimum: float | None
    maximum: float | None
    expires_on: date
    compensating_controls: str
    whole_model: bool = False


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_exception(
    version: ModelVersion, override: Override, rationale: str, *, by: User
) -> ChangeRequest:
    """Ask for other limits for one check of the gate policy in force; `rationale` is the justification.

    Once granted it counts from the next measuring on. Raises ChangeMalformed naming every bad field, RationaleMissing,
    NoGatePolicy, GatePolicyMalformed or AlreadyRequested.
    """
    now = timezone.now()
    checks = {check.name: check for check in read_policy(gate_policy(version.model, now).body)}
    check = checks.get(override.check)
    problems = list(_term_problems(override, now))
    if check is None:
        detail = f"The policy in force lists {', '.join(checks)}."
        problems.append(FieldProblem("check", "unknown", detail))
    else:
        problems += override_problems(check, override.minimum, override.maximum)
    if problems or check is None:
        raise ChangeMalformed("The exception cannot be asked for; see `errors`.", errors=problems)
    terms = asdict(override) | {
        "expires_on": override.expires_on.isoformat(),
        "limits": check.overridden(override.minimum, override.maximum, "").threshold,
        "policy_limits": check.threshold,
    }
    evidence = request_evidence(version, Kind.EXCEPTION, "", terms, now)
    change = ChangeRequest(kind=Kind.EXCEPTION, version=version, made_by=version.developed_by)
    return put_request(change, evidence, rationale, by, now)


def _term_problems(override: Override, now: datetime) -> list[FieldProblem]:
    problems = []
    if not override.compensating_controls.strip():
        detail = "Say what makes up for the missed limit."
        problems.append(FieldProblem("compensating_controls", "missing", detail))
    latest = now.date() + LONGEST_EXCEPTION
    if not now.date() <= override.expires_on <= latest:
        detail = f"Must lie between today and {latest}."
        problems.append(FieldProblem("expires_on", "out_of_range", detail))
    return problems

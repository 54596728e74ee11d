"""Asking for what is out of the ordinary: an exception, an emergency, another cut-off, a way back, a rollout."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action
from audit.errors import FieldProblem
from governance.asking import put_request
from governance.errors import ChangeMalformed, NotASuccessor, WrongStage
from governance.events import Event
from governance.gate_policy import override_problems, read_policy
from governance.models import ChangeRequest
from governance.queries.changes import request_evidence, require_gate_passed
from governance.queries.findings import require_no_blocking_finding
from governance.queries.policies import gate_policy, oversight_policy
from governance.queries.rollbacks import way_back
from registry.models import ModelVersion, ScoringModel, Stage
from registry.queries import champion
from serving.errors import ContractsDiffer, NoClearedVersion
from serving.models import Deployment
from serving.rollouts import require_guard_rails

Kind = ChangeRequest.Kind
LONGEST_EXCEPTION = timedelta(days=365)
"""How long an exception can last: until the yearly review of the model at the latest (our choice)."""
LONGEST_EMERGENCY = 72
"""How many hours a version can decide by break-glass: over a long weekend (our choice)."""
EMERGENCY_OPEN_FOR = timedelta(hours=24)
"""How long an emergency can wait for its two approvers: what waits longer is none (our choice)."""


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
    return _about(version, Kind.EXCEPTION, rationale, by, now, terms=terms)


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_break_glass(
    version: ModelVersion, hours: int, rationale: str, *, by: User
) -> ChangeRequest:
    """Ask for a version to decide at once for some hours, whatever its gates, findings and stage say.

    A suspended version comes back, a former champion returns, a new one goes before its turn. Use restrictions stay. Raises
    ChangeMalformed, RationaleMissing, WrongStage, NoOversightPolicy or AlreadyRequested.
    """
    if not 1 <= hours <= LONGEST_EMERGENCY:
        detail = f"Must lie between 1 and {LONGEST_EMERGENCY}."
        problem = FieldProblem("hours", "out_of_range", detail)
        raise ChangeMalformed("An emergency does not last so long.", errors=[problem])
    if version.stage in {Stage.PRODUCTION, Stage.REJECTED}:
        raise WrongStage(
            f"{version} is {version.stage}; it is not put in production in an emergency."
        )
    now = timezone.now()
    oversight_policy(version.model, now)
    return _about(
        version,
        Kind.BREAK_GLASS,
        rationale,
        by,
        now,
        terms={"hours": hours},
        open_for=EMERGENCY_OPEN_FOR,
    )


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_cut_off(version: ModelVersion, rationale: str, *, by: User) -> ChangeRequest:
    """Ask for a version to take the champion's place that is the same artefact with another cut-off.

    It was registered from the champion's run under a decision policy with the new cut-off, so that it has a baseline
    of its own, and it was measured. Raises NotASuccessor, RationaleMissing, WrongStage, OpenFinding, NoGatePolicy,
    GateNotPassed or AlreadyRequested.
    """
    now = timezone.now()
    before = champion(version.model)
    if version.stage != Stage.REGISTERED:
        raise WrongStage(f"{version} is {version.stage}, not registered.")
    if (
        before is None
        or before.artefact_id != version.artefact_id
        or before.contract_sha256 != version.contract_sha256
    ):
        raise NotASuccessor(
            f"{version} is not the same artefact as the champion; ask for its promotion."
        )
    if before.cut_off == version.cut_off:
        raise NotASuccessor(f"{version} has the champion's cut-off, {version.cut_off}.")
    require_no_blocking_finding(version, now)
    require_gate_passed(version, now)
    terms = {"cut_off": repr(version.cut_off), "cut_off_before": repr(before.cut_off)}
    return _about(version, Kind.CUT_OFF, rationale, by, now, terms=terms, target="production")


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_rollback(model: ScoringModel, rationale: str, *, by: User) -> ChangeRequest:
    """Ask for the former champion to come back, where it can wait for somebody who decides.

    Raises RationaleMissing, NoWayBack, WayBackExpired, WayBackDamaged or AlreadyRequested.
    """
    now = timezone.now()
    return _about(way_back(model, now).former, Kind.ROLLBACK, rationale, by, now)


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_rollout(
    version: ModelVersion, role: str, share_percent: int, rationale: str, *, by: User
) -> ChangeRequest:
    """Ask for a version in staging to decide a share of the applications beside the champion, or to score a share in
    its shadow. Each step is a request.

    Raises ChangeMalformed naming every bad field, RationaleMissing, WrongStage, NoClearedVersion, ContractsDiffer, NoGuardRails, OpenFinding,
    NoGatePolicy, GateNotPassed or AlreadyRequested.
    """
    problems = []
    if role not in Deployment.Role.values:
        detail = f"Roles are {', '.join(Deployment.Role.values)}."
        problems.append(FieldProblem("role", "unknown", detail))
    most = 100 if role == Deployment.Role.SHADOW else Deployment.MOST_PERCENT
    if not 1 <= share_percent <= most:
        detail = f"Must lie between 1 and {most}."
        problems.append(FieldProblem("share_percent", "out_of_range", detail))
    if problems:
        raise ChangeMalformed("The step cannot be asked for; see `errors`.", errors=problems)
    if version.stage != Stage.STAGING:
        raise WrongStage(f"{version} is {version.stage}; a rollout begins in staging.")
    now, beside = timezone.now(), champion(version.model)
    if beside is None:
        raise NoClearedVersion(f"{version.model} has no champion to take a share from.")
    if beside.contract_sha256 != version.contract_sha256:
        raise ContractsDiffer(f"{version} takes other features than {beside}.")
    require_guard_rails(version.model, now)
    require_no_blocking_finding(version, now)
    require_gate_passed(version, now)
    terms = {"role": role, "share_percent": share_percent}
    return _about(version, Kind.ROLLOUT, rationale, by, now, terms=terms)


def _about(
    version: ModelVersion,
    kind: str,
    rationale: str,
    by: User,
    now: datetime,
    *,
    terms: Mapping[str, Any] | None = None,
    target: str = "",
    open_for: timedelta | None = None,
) -> ChangeRequest:
    evidence = request_evidence(version, kind, target, terms or {}, now)
    change = ChangeRequest(kind=kind, version=version, target=target, made_by=version.developed_by)
    return put_request(change, evidence, rationale, by, now, open_for=open_for)


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

"""What a granted change does, within the act that grants it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from audit.actions.erasures import settle_erasure_case
from governance.actions.exceptions import grant_exception
from governance.actions.findings import Deficiency, open_finding
from governance.actions.rollbacks import roll_back
from governance.actions.versions import suspend_version
from governance.ending import end_rollouts
from governance.models import ChangeRequest, Finding
from governance.queries.changes import approvers_of, earlier_checkers
from registry.actions.clearances import grant_clearance, revoke_clearance
from registry.actions.policies import adopt_policy
from registry.actions.versions import change_stage, promote_to_champion
from registry.models import Clearance, ModelVersion, Stage
from registry.queries import champion, live_clearances
from serving.actions.deployments import start_deployment
from serving.models import Deployment
from serving.scoring import require_ready

ROLLBACK_FOR = timedelta(days=30)
"""How long the former champion can be gone back to without new evidence (our choice: one monthly cycle)."""
BREAK_GLASS = "break_glass"
"""The category of the finding that an emergency leaves."""


def take_effect(change: ChangeRequest, rationale: str, by: User, now: datetime) -> None:
    """Policies are adopted; disputed erasures are settled; versions are cleared and moved, excepted from a limit, or lose every clearance."""
    if change.policy is not None:
        adopt_policy(change.policy, by=by, rationale=rationale)
        return
    if change.erasure_case is not None:
        seen = change.evidence["weighed_digest"]
        settle_erasure_case(change.erasure_case.pk, change.terms["ground"], seen, by=by)
        return
    assert change.version is not None
    if change.kind == ChangeRequest.Kind.REVOCATION:
        suspend_version(change.version, rationale, by=by)
    elif change.kind == ChangeRequest.Kind.EXCEPTION:
        grant_exception(change, by=by)
    elif change.kind == ChangeRequest.Kind.ROLLBACK:
        roll_back(change.version.model, rationale, by=by)
    elif change.kind == ChangeRequest.Kind.ROLLOUT:
        _roll_out(change, change.version, by)
    elif change.kind == ChangeRequest.Kind.BREAK_GLASS:
        _break_glass(change, change.version, rationale, by, now)
    elif change.kind == ChangeRequest.Kind.CUT_OFF:
        change_stage(change.version, Stage.STAGING, by=by, reason=rationale)
        _put_in_production(change, change.version, by, now)
    elif change.target == ChangeRequest.Target.STAGING:
        change_stage(change.version, Stage.STAGING, by=by, reason=rationale)
        approvers = sorted(approvers_of(change))
        _clear(change, change.version, Clearance.Purpose.SCORE_SHADOW, approvers, by)
    else:
        _put_in_production(change, change.version, by, now)


def _put_in_production(
    change: ChangeRequest, version: ModelVersion, by: User, now: datetime
) -> None:
    """The new champion can score here, and is cleared before it takes its place; the former one can be gone back to for 30 days.

    Raises ArtefactRefused.
    """
    require_ready(version)
    end_rollouts(version.model, f"{version} becomes the champion.", by=by)
    former = champion(version.model)
    approvers = sorted(approvers_of(change) | earlier_checkers(change))
    _clear(change, version, Clearance.Purpose.SCORE_LIVE, approvers, by)
    promote_to_champion(version, by=by)
    _leave_way_back(change, version, former, by, now)


def _roll_out(change: ChangeRequest, version: ModelVersion, by: User) -> None:
    approvers = sorted(approvers_of(change) | earlier_checkers(change))
    terms, purpose = change.terms, Clearance.Purpose.SCORE_LIVE
    if terms["role"] == Deployment.Role.SHADOW:
        purpose = Clearance.Purpose.SCORE_SHADOW
    clearance = _clear(change, version, purpose, approvers, by)
    start_deployment(clearance, terms["role"], terms["share_percent"], by=by)


def _break_glass(
    change: ChangeRequest, version: ModelVersion, rationale: str, by: User, now: datetime
) -> None:
    """For some hours the version decides without the evidence asked for otherwise, and a finding is open about it.

    1. It can score here. The finding says what was set aside; whoever asked puts it right.
    2. The clearance, which ends by itself, and the champion's place.

    Raises ArtefactRefused.
    """
    # 1
    require_ready(version)
    terms = change.terms
    found = Deficiency(
        severity=Finding.Severity.HIGH,
        category=BREAK_GLASS,
        title=f"{version} decides by break-glass",
        evidence=f"Change request {change.pk}, for {terms['hours']} hours. {change.rationale}",
        owner=change.requested_by,
        version=version,
    )
    open_finding(version.model, found, by=by)
    # 2
    end_rollouts(version.model, f"{version} becomes the champion.", by=by)
    former, until = champion(version.model), now + timedelta(hours=terms["hours"])
    if version.stage in {Stage.REGISTERED, Stage.SUSPENDED}:
        version = change_stage(version, Stage.STAGING, by=by, reason=rationale)
    approvers = sorted(approvers_of(change))
    purposes = [Clearance.Purpose.SCORE_LIVE]
    if version.stage == Stage.ARCHIVED:
        purposes.append(Clearance.Purpose.ROLLBACK)
    for purpose in purposes:
        _clear(change, version, purpose, approvers, by, valid_to=until, is_break_glass=True)
    promote_to_champion(version, by=by)
    _leave_way_back(change, version, former, by, now)


def _leave_way_back(
    change: ChangeRequest,
    version: ModelVersion,
    former: ModelVersion | None,
    by: User,
    now: datetime,
) -> None:
    """The former champion is cleared for rollback alone, unless it decided by break-glass: that leaves no way back."""
    if former is None:
        return
    for clearance in live_clearances(former, Clearance.Purpose.SCORE_LIVE, now):
        revoke_clearance(clearance, by=by, reason=f"{version} took its place.")
        if clearance.is_break_glass:
            continue
        _clear(
            change,
            former,
            Clearance.Purpose.ROLLBACK,
            clearance.approver_ids,
            by,
            valid_to=now + ROLLBACK_FOR,
        )


def _clear(
    change: ChangeRequest,
    version: ModelVersion,
    purpose: Clearance.Purpose,
    approver_ids: list[int],
    by: User,
    *,
    valid_to: datetime | None = None,
    is_break_glass: bool = False,
) -> Clearance:
    return grant_clearance(
        version, purpose, change.evidence_digest, approver_ids, str(change.pk),
        by=by, valid_to=valid_to, is_break_glass=is_break_glass,
    )  # fmt: skip

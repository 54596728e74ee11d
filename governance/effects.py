"""What a granted change does, within the act that grants it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from governance.actions.exceptions import grant_exception
from governance.actions.versions import suspend_version
from governance.models import ChangeRequest
from governance.queries.changes import approvers_of, earlier_checkers
from registry.actions.clearances import grant_clearance, revoke_clearance
from registry.actions.policies import adopt_policy
from registry.actions.versions import change_stage, promote_to_champion
from registry.models import Clearance, ModelVersion, Stage
from registry.queries import champion, live_clearances

ROLLBACK_FOR = timedelta(days=30)
"""How long the former champion can be gone back to without new evidence (our choice: one monthly cycle)."""


def take_effect(change: ChangeRequest, rationale: str, by: User, now: datetime) -> None:
    """Policies are adopted; versions are cleared and moved, or lose every clearance."""
    if change.policy is not None:
        adopt_policy(change.policy, by=by, rationale=rationale)
        return
    assert change.version is not None
    if change.kind == ChangeRequest.Kind.REVOCATION:
        suspend_version(change.version, rationale, by=by)
    elif change.kind == ChangeRequest.Kind.EXCEPTION:
        grant_exception(change, by=by)
    elif change.target == ChangeRequest.Target.STAGING:
        change_stage(change.version, Stage.STAGING, by=by, reason=rationale)
        approvers = sorted(approvers_of(change))
        _clear(change, change.version, Clearance.Purpose.SCORE_SHADOW, approvers, by)
    else:
        _put_in_production(change, change.version, by, now)


def _put_in_production(
    change: ChangeRequest, version: ModelVersion, by: User, now: datetime
) -> None:
    """The new champion is cleared before it takes its place; the former one can be gone back to for 30 days."""
    former = champion(version.model)
    approvers = sorted(approvers_of(change) | earlier_checkers(change))
    _clear(change, version, Clearance.Purpose.SCORE_LIVE, approvers, by)
    promote_to_champion(version, by=by)
    if former is None:
        return
    for clearance in live_clearances(former, Clearance.Purpose.SCORE_LIVE, now):
        revoke_clearance(clearance, by=by, reason=f"{version} took its place.")
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
) -> None:
    digest, request = change.evidence_digest, str(change.pk)
    grant_clearance(version, purpose, digest, approver_ids, request, by=by, valid_to=valid_to)

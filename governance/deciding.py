"""One person's decision about a change, their second thoughts, or a rollback at once, as the edges take it."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User

from audit.context import acting
from audit.errors import Refusal
from audit.queries import service_account
from governance.actions.changes import (
    approve_change,
    reject_change,
    void_change,
    withdraw_change,
    withdraw_erasure,
)
from governance.actions.rollbacks import roll_back
from governance.errors import EvidenceChanged, WayBackDamaged
from governance.models import Approval, ChangeRequest, Rollback
from governance.queries.changes import change_with
from governance.queries.conditions import Condition
from governance.queries.rollbacks import newest_way_back
from registry.models import ModelVersion, ScoringModel
from serving.actions.failures import note_load_failure
from serving.errors import ArtefactRefused


def decide_change(
    change_id: UUID,
    decision: str,
    rationale: str,
    *,
    by: User,
    conditions: Sequence[Condition] = (),
) -> ChangeRequest:
    """Approve, under conditions or none, or reject. Where the evidence changed, the refusal stands and the request is voided at once.

    Where the version to be promoted, or to begin a rollout step, cannot score, the refusal stands and a fact is left, from
    which an incident is opened.

    Raises what `approve_change` and `reject_change` raise.
    """
    if decision == Approval.Decision.REJECT:
        return reject_change(change_id, rationale, by=by)
    try:
        return approve_change(change_id, rationale, by=by, conditions=conditions)
    except EvidenceChanged:
        with acting(on_behalf_of=by.get_username(), trigger="approval refused"):
            void_change(change_id, by=service_account("monitor"))
        raise
    except (ArtefactRefused, WayBackDamaged) as refusal:
        change = change_with(change_id)
        version = change.version
        assert version is not None
        if isinstance(refusal, WayBackDamaged):
            _note_way_back(version.model, refusal, by)
        elif change.kind == ChangeRequest.Kind.ROLLOUT:
            _note(version, refusal, by, "rollout step refused", "Its rollout step did not begin.")
        else:
            _note(version, refusal, by)
        raise


def go_back(model: ScoringModel, rationale: str, *, by: User) -> Rollback:
    """Roll back at once. Where the former champion cannot score, the refusal stands and a fact is left. Raises what `roll_back` raises."""
    try:
        return roll_back(model, rationale, by=by)
    except WayBackDamaged as refusal:
        _note_way_back(model, refusal, by)
        raise


def take_back(change_id: UUID, rationale: str, *, by: User) -> ChangeRequest:
    """Withdraw one's own request by the act of its kind. Raises what `withdraw_change` raises."""
    if change_with(change_id).kind == ChangeRequest.Kind.ERASURE:
        return withdraw_erasure(change_id, rationale, by=by)
    return withdraw_change(change_id, rationale, by=by)


def _note_way_back(model: ScoringModel, refusal: Refusal, by: User) -> None:
    clearance = newest_way_back(model)
    if clearance is not None:
        _note(clearance.version, refusal, by)


def _note(
    version: ModelVersion,
    refusal: Refusal,
    by: User,
    trigger: str = "promotion refused",
    outcome: str = "It was not promoted.",
) -> None:
    """The champion stays, and the next sweep opens an incident of the version that was to take its place, or a share."""
    with acting(on_behalf_of=by.get_username(), trigger=trigger):
        note_load_failure(version.pk, f"{refusal.detail} {outcome}", by=service_account("monitor"))

"""One person's decision about a change, or their second thoughts, as both edges take it: REST and the admin."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User

from audit.context import acting
from audit.queries import service_account
from governance.actions.changes import (
    approve_change,
    reject_change,
    void_change,
    withdraw_change,
    withdraw_erasure,
)
from governance.errors import EvidenceChanged
from governance.models import Approval, ChangeRequest
from governance.queries.changes import change_with
from governance.queries.conditions import Condition


def decide_change(
    change_id: UUID,
    decision: str,
    rationale: str,
    *,
    by: User,
    conditions: Sequence[Condition] = (),
) -> ChangeRequest:
    """Approve, under conditions or none, or reject. Where the evidence changed, the refusal stands and the request is voided at once.

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


def take_back(change_id: UUID, rationale: str, *, by: User) -> ChangeRequest:
    """Withdraw one's own request by the act of its kind. Raises what `withdraw_change` raises."""
    if change_with(change_id).kind == ChangeRequest.Kind.ERASURE:
        return withdraw_erasure(change_id, rationale, by=by)
    return withdraw_change(change_id, rationale, by=by)

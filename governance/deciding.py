"""One person's decision about a change, as both edges take it: REST and the admin."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User

from audit.context import acting
from audit.queries import service_account
from governance.actions.changes import approve_change, reject_change, void_change
from governance.errors import EvidenceChanged
from governance.models import Approval, ChangeRequest
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

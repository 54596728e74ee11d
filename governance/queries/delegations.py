"""Named reads about delegated seats."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from governance.errors import NoSuchDelegation
from governance.models import Delegation


def delegations() -> QuerySet[Delegation]:
    """All delegations, newest first."""
    return Delegation.objects.select_related("delegator", "delegate", "end__revoked_by")


def delegation_with(delegation_id: UUID) -> Delegation:
    """Raises NoSuchDelegation."""
    found = delegations().filter(pk=delegation_id).first()
    if found is None:
        raise NoSuchDelegation(f"There is no delegation {delegation_id}.")
    return found


def delegations_to(user: User, seat: str, at: datetime) -> QuerySet[Delegation]:
    """Those by which the user may take the seat at that time, where its holder still holds it; oldest first."""
    return (
        delegations()
        .filter(delegate=user, seat=seat, valid_from__lte=at, valid_to__gt=at, end=None)
        .order_by("pk")
    )

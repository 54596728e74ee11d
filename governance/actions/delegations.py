"""Letting somebody else take one's seat for a while, and ending that."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, holds, record
from audit.errors import FieldProblem
from governance.errors import (
    DelegationEnded,
    DelegationMalformed,
    NotYourDelegation,
    SeatNotHeld,
)
from governance.events import Event
from governance.models import Delegation, DelegationEnd
from governance.queries.delegations import delegation_with
from governance.quorum import ALL_SEATS, CARRIED_OUT_WITH, DECIDES
from governance.words import require_words

LONGEST = timedelta(days=90)
"""A seat is lent, not given away: for longer somebody gets the role (our choice)."""


@action(Event.SEAT_DELEGATED, needs="governance.delegate_seat")
def delegate_seat(
    seat: str,
    delegate: User,
    reason: str,
    valid_to: datetime,
    valid_from: datetime | None = None,
    *,
    by: User,
) -> Delegation:
    """Let somebody who decides about changes take one's seat until `valid_to`; without `valid_from` from now on.

    The delegate decides under their own name and may do nothing that the delegator could not, nor anything that they
    could not do themselves. Raises SeatNotHeld, RationaleMissing, or DelegationMalformed naming every bad field.
    """
    now = timezone.now()
    start = valid_from or now
    if seat in ALL_SEATS and not holds(by, seat):
        raise SeatNotHeld(f"{by} does not hold {seat} through a role and cannot lend it.")
    require_words("reason", reason, "Say why somebody else takes the seat.")
    problems = [*_seat_problems(seat, delegate, by), *_time_problems(start, valid_to, now)]
    if problems:
        raise DelegationMalformed("The seat cannot be delegated so; see `errors`.", errors=problems)
    delegation = Delegation(
        seat=seat,
        delegator=by,
        delegate=delegate,
        valid_from=start,
        valid_to=valid_to,
        reason=reason,
    )
    delegation.entry = record(
        subject=delegation,
        seat=seat,
        delegate=delegate.get_username(),
        valid_from=start,
        valid_to=valid_to,
        reason=reason,
    )
    delegation.save(force_insert=True)
    return delegation


@action(Event.DELEGATION_ENDED, needs="governance.delegate_seat")
def end_delegation(delegation_id: UUID, reason: str, *, by: User) -> DelegationEnd:
    """End a delegation now, on the word of either side. Raises NoSuchDelegation, NotYourDelegation, DelegationEnded or RationaleMissing."""
    delegation = delegation_with(delegation_id)
    if by.pk not in {delegation.delegator_id, delegation.delegate_id}:
        raise NotYourDelegation(f"{delegation.delegator} lent this seat to {delegation.delegate}.")
    require_words("reason", reason, "Say why it ends.")
    Delegation.objects.select_for_update().get(pk=delegation.pk)
    if DelegationEnd.objects.filter(delegation=delegation).exists():
        raise DelegationEnded(f"{delegation} ended before.")
    return DelegationEnd.objects.create(
        delegation=delegation,
        reason=reason,
        revoked_by=by,
        revoked_at=timezone.now(),
        entry=record(
            subject=delegation,
            seat=delegation.seat,
            delegator=delegation.delegator.get_username(),
            delegate=delegation.delegate.get_username(),
            reason=reason,
        ),
    )


def _seat_problems(seat: str, delegate: User, by: User) -> list[FieldProblem]:
    if seat not in ALL_SEATS:
        return [FieldProblem("seat", "unknown", f"One of {', '.join(ALL_SEATS)}.")]
    if delegate.pk == by.pk:
        return [FieldProblem("delegate", "out_of_range", "Nobody delegates to themselves.")]
    if holds(delegate, seat):
        return [FieldProblem("delegate", "out_of_range", "Holds this seat through a role.")]
    needed = [DECIDES, *CARRIED_OUT_WITH.get(seat, ())]
    lacking = [permission for permission in needed if not holds(delegate, permission)]
    detail = f"Lacks what deciding takes: {', '.join(lacking)}."
    return [FieldProblem("delegate", "not_permitted", detail)] if lacking else []


def _time_problems(start: datetime, end: datetime, now: datetime) -> list[FieldProblem]:
    problems = []
    if start < now:
        detail = "Must not lie in the past."
        problems.append(FieldProblem("valid_from", "out_of_range", detail))
    if not start < end <= start + LONGEST:
        detail = f"Must come after the beginning, and within {LONGEST.days} days of it."
        problems.append(FieldProblem("valid_to", "out_of_range", detail))
    return problems

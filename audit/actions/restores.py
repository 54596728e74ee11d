"""Restores from cold storage: asked for by a person, carried out by a worker, read by whoever asked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.archive.storage_classes import expected_at, why_not
from audit.canonical import timestamp
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem, InvalidInput, NotFound, Refusal
from audit.events import Event
from audit.ids import uuid7
from audit.models import ArchivedObject, RestoreRequest

State = RestoreRequest.State
POLL = "audit.poll_restores"
LONGEST_DAYS = 90
# What may follow what. A copy that was fetched can be fetched again until it expires.
FOLLOWS = {
    State.REQUESTED: {State.RESTORING, State.AVAILABLE, State.REFUSED},
    State.RESTORING: {State.AVAILABLE, State.REFUSED},
    State.AVAILABLE: {State.EXPORTED, State.EXPIRED},
    State.EXPORTED: {State.EXPIRED},
}


class RestoreNotPossible(InvalidInput):
    """The object needs no restore, or its storage class does not offer the tier."""


class RestoreUnderWay(Refusal):
    """The object is being restored already."""


class NoSuchRestore(NotFound):
    """There is no restore of that identifier."""


class RestoreElsewhere(Refusal):
    """The restore is in a state that does not lead there."""


@action(Event.RESTORE_REQUESTED, needs="audit.request_restore")
def request_restores(
    objects: Sequence[tuple[ArchivedObject, str]], *, by: User, tier: str, days: int, reason: str
) -> list[RestoreRequest]:
    """Ask for objects, each with the storage class that it was seen in, to be readable for some days.

    Raises RestoreNotPossible, with every object at fault, or RestoreUnderWay.
    """
    _require_sound(objects, tier, days, reason)
    now = timezone.now()
    requests = []
    for row, storage_class in objects:
        if row.restores.filter(state__in=[State.REQUESTED, State.RESTORING]).exists():
            raise RestoreUnderWay(f"{row.key} is being restored already.")
        expected = expected_at(storage_class, tier, now)
        request_id = uuid7()
        entry = record(
            subject=("audit.restore", str(request_id)),
            key=row.key,
            storage_class=storage_class,
            tier=tier,
            days=days,
            reason=reason,
            expected_at=timestamp(expected),
        )
        requests.append(
            RestoreRequest.objects.create(
                id=request_id,
                archived=row,
                tier=tier,
                days=days,
                reason=reason,
                storage_class=storage_class,
                requested_by=by.get_username(),
                requested_at=now,
                expected_at=expected,
                entry=entry,
            )
        )
    send_on_commit(POLL)
    return requests


@action(Event.RESTORE_MOVED, needs="audit.archive_log")
def move_restore(
    restore_id: UUID,
    state: str,
    *,
    by: User,
    expires_at: datetime | None = None,
    refusal: str = "",
) -> RestoreRequest:
    """Write down that a restore went on. Raises NoSuchRestore or RestoreElsewhere."""
    return _moved(restore_id, state, expires_at=expires_at, refusal=refusal)


@action(Event.RESTORE_MOVED, needs="audit.request_restore")
def export_restored(restore_id: UUID, *, by: User) -> RestoreRequest:
    """Write down that the restored object was fetched by a person. Raises NoSuchRestore or RestoreElsewhere."""
    return _moved(restore_id, State.EXPORTED)


def _moved(
    restore_id: UUID, state: str, *, expires_at: datetime | None = None, refusal: str = ""
) -> RestoreRequest:
    request = RestoreRequest.objects.select_for_update().filter(pk=restore_id).first()
    if request is None:
        raise NoSuchRestore(f"There is no restore {restore_id}.")
    if state not in FOLLOWS.get(State(request.state), set()):
        raise RestoreElsewhere(f"The restore is {request.state} and cannot become {state}.")
    request.state, request.refusal = state, refusal
    if state == State.AVAILABLE:
        request.available_at, request.expires_at = timezone.now(), expires_at
    if state == State.EXPORTED:
        request.exported_at = timezone.now()
    request.save(update_fields=["state", "refusal", "available_at", "expires_at", "exported_at"])
    record(
        subject=("audit.restore", str(restore_id)),
        state=state,
        expires_at=timestamp(expires_at) if expires_at else None,
        refusal=refusal,
    )
    return request


def _require_sound(
    objects: Sequence[tuple[ArchivedObject, str]], tier: str, days: int, reason: str
) -> None:
    problems = []
    if tier not in RestoreRequest.Tier.values:
        problems.append(FieldProblem("tier", "unknown", f"One of: {', '.join(RestoreRequest.Tier.values)}."))  # fmt: skip
    if not 1 <= days <= LONGEST_DAYS:
        problems.append(FieldProblem("days", "out_of_range", f"From 1 to {LONGEST_DAYS} days."))
    if not reason.strip():
        problems.append(FieldProblem("reason", "missing", "Say what the objects are needed for."))
    if not objects:
        problems.append(FieldProblem("objects", "missing", "Nothing in the archive is meant by this."))  # fmt: skip
    if not problems:
        faults = (why_not(storage_class, tier, row.size) for row, storage_class in objects)
        problems = [FieldProblem("objects", "not_possible", f) for f in sorted(set(filter(None, faults)))]  # fmt: skip
    if problems:
        raise RestoreNotPossible("That cannot be restored.", errors=problems)

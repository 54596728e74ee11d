"""Locks of archived objects, which only ever grow, and the events that retention periods start from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.canonical import timestamp
from audit.errors import FieldProblem, InvalidInput, Refusal
from audit.events import Event
from audit.models import ArchivedObject, LockExtension, RetentionStart
from audit.schedules import retention_schedule


class StartKnown(Refusal):
    """The start of that retention period was recorded already; it does not move."""


class NoSuchClass(InvalidInput):
    """The retention schedule has no such class of record, or its period starts with the record itself."""


@dataclass(frozen=True)
class LongerLock:
    """One object, and the date that its lock now has in the store."""

    archived: ArchivedObject
    locked_until: datetime


@action(Event.LOCK_EXTENDED, needs="audit.extend_retention")
def extend_retention(locks: Sequence[LongerLock], reason: str, *, by: User) -> list[LockExtension]:
    """Record locks that the store extended and showed again (`audit.archive.locks` does both). None is ever shortened."""
    entry = record(
        subject=("audit.archive", locks[0].archived.origin),
        reason=reason,
        locks={lock.archived.key: timestamp(lock.locked_until) for lock in locks},
    )
    return LockExtension.objects.bulk_create(
        LockExtension(
            archived=lock.archived,
            locked_until=lock.locked_until,
            reason=reason,
            extended_at=timezone.now(),
            entry=entry,
        )
        for lock in locks
    )


@action(Event.RETENTION_STARTED, needs="audit.extend_retention")
def start_retention(
    record_class: str, subject_type: str, subject_id: str, started_on: date, *, by: User
) -> RetentionStart:
    """Write down that the event happened which starts the retention of records about a subject: its retirement, say.

    Raises NoSuchClass or StartKnown.
    """
    found = retention_schedule().classes.get(record_class)
    if found is None or found.starts_at_record:
        names = ", ".join(c.name for c in retention_schedule().started_later())
        problem = FieldProblem("record_class", "unknown", f"One of: {names}.")
        raise NoSuchClass("No period of that class starts later than its record.", errors=[problem])
    known = RetentionStart.objects.filter(
        record_class=record_class, subject_type=subject_type, subject_id=subject_id
    ).first()
    if known is not None:
        raise StartKnown(
            f"The retention of {subject_type} {subject_id} started on {known.started_on}."
        )
    return RetentionStart.objects.create(
        record_class=record_class,
        subject_type=subject_type,
        subject_id=subject_id,
        started_on=started_on,
        entry=record(
            subject=(subject_type, subject_id),
            record_class=record_class,
            start_event=found.start_event,
            started_on=started_on.isoformat(),
        ),
    )

"""Legal holds on archived objects: wanted for a matter, in force in the store; released, then lifted."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import Refusal
from audit.events import Event
from audit.models import ArchivedObject, Entry, ObjectHold


class NothingHeld(Refusal):
    """No archived object is under hold for that matter, or all that were asked for are already."""


@action(Event.ARCHIVE_HELD, needs="audit.hold_archive")
def hold_archive(matter: str, objects: Sequence[ArchivedObject], *, by: User) -> list[ObjectHold]:
    """Want objects held for a matter; a sweep has the store do it. Raises NothingHeld where all are held for it already."""
    held = set(
        ObjectHold.objects.filter(matter=matter, released_at=None).values_list(
            "archived_id", flat=True
        )
    )
    new = [row for row in objects if row.pk not in held]
    if not new:
        raise NothingHeld(f"Every one of these objects is held for {matter} already.")
    entry = record(subject=("audit.hold", matter), keys=sorted(row.key for row in new))
    now = timezone.now()
    return ObjectHold.objects.bulk_create(
        ObjectHold(archived=row, matter=matter, wanted_at=now, entry=entry) for row in new
    )


@action(Event.ARCHIVE_RELEASED, needs="audit.hold_archive")
def release_archive(matter: str, *, by: User) -> int:
    """Release every object of a matter; how many. A sweep lifts the hold where no other matter needs it. Raises NothingHeld."""
    held = ObjectHold.objects.filter(matter=matter, released_at=None)
    keys = sorted(held.values_list("archived__key", flat=True))
    if not keys:
        raise NothingHeld(f"No archived object is held for {matter}.")
    record(subject=("audit.hold", matter), keys=keys)
    return held.update(released_at=timezone.now())


@action(Event.HOLDS_CARRIED_OUT, needs="audit.hold_archive")
def confirm_holds(
    in_force: Sequence[ObjectHold], lifted: Sequence[ObjectHold], *, by: User
) -> Entry:
    """Record what the store was told and showed again."""
    now = timezone.now()
    ObjectHold.objects.filter(pk__in=[hold.pk for hold in in_force]).update(in_force_at=now)
    ObjectHold.objects.filter(pk__in=[hold.pk for hold in lifted]).update(lifted_at=now)
    return record(
        subject=("audit.archive", (*in_force, *lifted)[0].archived.origin),
        in_force=sorted({hold.archived.key for hold in in_force}),
        lifted=sorted({hold.archived.key for hold in lifted}),
    )

"""The archive follows the vault's legal holds: what an open matter covers is held in the store as well, new epochs included.

An epoch is held as a whole where any entry in it is covered. Who places a hold is the vault's affair (audit.actions.holds).
"""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from audit.actions.archive_holds import confirm_holds, hold_archive, release_archive
from audit.archive.store import ArchiveStore
from audit.archive.stores import archive_store
from audit.models import ArchivedObject, Entry, LegalHold, ObjectHold, SubjectSecret


def follow_holds(*, by: User) -> None:
    """1. Want what open holds cover and what is not wanted yet; release what closed ones covered.

    2. Have the store do it, and record what it did. A crash in between leaves rows that the next sweep carries out.
    """
    for hold in LegalHold.objects.filter(released_at=None).order_by("pk"):
        matter = str(hold.pk)
        held = ObjectHold.objects.filter(matter=matter, released_at=None)
        missing = list(covered(hold).exclude(pk__in=held.values("archived_id")))
        if missing:
            hold_archive(matter, missing, by=by)
    open_matters = {str(pk) for pk in LegalHold.objects.filter(released_at=None).values_list("pk", flat=True)}  # fmt: skip
    wanted = ObjectHold.objects.filter(released_at=None).values_list("matter", flat=True)
    for matter in sorted(set(wanted) - open_matters):
        release_archive(matter, by=by)
    carry_out_holds(by=by)


def carry_out_holds(*, by: User) -> None:
    """Tell the store what is wanted and not in force, or released and not lifted. Raises ArchiveRefused."""
    in_force = list(_waiting(in_force_at=None, released_at=None))
    lifted = list(_waiting(lifted_at=None, released_at__isnull=False))
    if not in_force and not lifted:
        return
    store = archive_store()
    for hold in in_force:
        store.hold(hold.archived.key, hold.archived.version_id)
    for hold in lifted:
        if not ObjectHold.objects.filter(archived=hold.archived_id, released_at=None).exists():
            _lift(store, hold)
    confirm_holds(in_force, lifted, by=by)


def covered(hold: LegalHold) -> QuerySet[ArchivedObject]:
    """The epochs of which a hold covers some entry. Entries of one model lie among all others: its days are held."""
    epochs = ArchivedObject.objects.exclude(epoch=None)
    entries = Entry.objects.filter(leaf__isnull=False)
    if hold.subject_id is not None:
        secrets = SubjectSecret.objects.filter(subject=hold.subject_id).values_list("pk", flat=True)
        entries = entries.filter(
            Q(key_id__in=list(secrets)) | Q(subject_type="audit.subject", subject_id=str(hold.subject_id))
        )  # fmt: skip
    elif hold.first_on is None and hold.last_on is None:
        return epochs
    if hold.first_on is not None:
        entries = entries.filter(occurred_at__date__gte=hold.first_on)
    if hold.last_on is not None:
        entries = entries.filter(occurred_at__date__lte=hold.last_on)
    places = entries.values_list("leaf__origin", "leaf__index").order_by(
        "leaf__origin", "leaf__index"
    )
    return epochs.filter(pk__in=list(_epochs_with(places.iterator())))


def _epochs_with(places: Iterator[tuple[str, int]]) -> Iterator[int]:
    """The archived epochs that hold any of these places, which come in order."""
    rows = list(
        ArchivedObject.objects.exclude(epoch=None)
        .order_by("origin", "epoch__first")
        .values_list("pk", "origin", "epoch__first", "epoch__last")
    )
    at = 0
    for origin, index in places:
        while at < len(rows) and (rows[at][1], rows[at][3]) < (origin, index):
            at += 1
        if at == len(rows):
            return
        pk, log, first, _ = rows[at]
        if log == origin and first <= index:
            yield pk
            at += 1


def _waiting(**state: object) -> QuerySet[ObjectHold]:
    return ObjectHold.objects.filter(**state).select_related("archived").order_by("pk")


def _lift(store: ArchiveStore, hold: ObjectHold) -> None:
    store.release(hold.archived.key, hold.archived.version_id)

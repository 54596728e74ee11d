"""One pass of archiving: close what is published, copy it out, then say in the log what was copied.

1. An epoch is closed first, as an act: from then on its object is fixed, whatever happens to this process.
2. Keys and policy are written, then the epoch's object, and the checkpoint over it last: an archive with a checkpoint is complete at its size.
3. Only then are the objects recorded. A crash in between leaves objects that the next pass finds in place, byte for byte.

Layout, below the origin: `epoch/<yyyy>/<mm>/<dd>/<first>-<last>.tar` (audit.archive.epochs), `checkpoints/<size, 20 digits>`,
`trust/<n>/policy`, `trust/delegations/<key id>.note`, `trust/rotations/<key id>.note`.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import IO

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Max
from django.utils import timezone

from audit import trust
from audit.action import require
from audit.actions.archive import record_archived
from audit.actions.epochs import close_epoch
from audit.archive.epochs import (
    checkpoint_name,
    closings,
    new_stamps,
    unarchived,
    waiting_bytes,
    write_epoch,
)
from audit.archive.store import ArchiveStore
from audit.archive.stores import archive_store
from audit.archive.work import work_file
from audit.digests import sha256_of
from audit.leadership import leadership
from audit.models import ArchivedObject, Epoch
from audit.queries import newest_checkpoint, origins
from audit.schedules import retention_schedule
from audit.sequencer import current_origin

ARCHIVE_LOG = "audit.archive_log"
Step = Callable[[str], None]


@dataclass(frozen=True)
class ArchivePass:
    """What one pass copied: new objects and their bytes, and the size of the tree that the archive now holds."""

    origin: str
    tree_size: int
    epochs: int
    objects: int
    size: int


@dataclass(frozen=True)
class PlannedEpoch:
    """An epoch that a pass would write: `size` is estimated unless it was closed already."""

    origin: str
    first: int
    last: int
    size: int
    locked_until: datetime


def archive_pass(
    *, by: User, full_only: bool = False, on_object: Step | None = None
) -> ArchivePass:
    """Archive what was published since the last pass, and record it; with `full_only` only epochs that reached their size.

    Raises NothingSealed, ArchiveRefused, NotPermitted, ScheduleUnusable, NotLeader where another process archives.
    """
    require(by, ARCHIVE_LOG)
    origin, store = current_origin(), archive_store()
    newest_checkpoint(origin)
    store.require_ready()
    rows: list[ArchivedObject] = []
    with leadership(origin, "archiver"):
        for log in origins():
            for epoch in _epochs(log, full_only, by):
                rows += _archive(epoch, store, by, on_object)
    epochs = sum(row.epoch_id is not None for row in rows)
    return ArchivePass(
        origin, archived_size(origin), epochs, len(rows), sum(row.size for row in rows)
    )


def planned_epochs() -> Iterator[PlannedEpoch]:
    """What a pass would write now, without writing it."""
    until = lock_date(timezone.now().date())
    for origin in origins():
        for epoch in unarchived(origin):
            size = waiting_bytes(origin, epoch.first, epoch.last + 1)
            yield PlannedEpoch(origin, epoch.first, epoch.last, size, epoch.locked_until)
        first = closed_size(origin)
        for publication in closings(
            origin, first, megabytes=settings.CREDENCE_EPOCH_MB, full_only=False
        ):
            size = waiting_bytes(origin, first, publication.size)
            yield PlannedEpoch(origin, first, publication.size - 1, size, until)
            first = publication.size


def archived_size(origin: str) -> int:
    """The size of the tree that the archive holds; 0 before the first pass."""
    newest = ArchivedObject.objects.filter(origin=origin).aggregate(size=Max("tree_size"))["size"]
    return newest or 0


def closed_size(origin: str) -> int:
    """How many entries lie in closed epochs."""
    last = Epoch.objects.filter(origin=origin).aggregate(last=Max("last"))["last"]
    return 0 if last is None else last + 1


def lock_date(closed_on: date) -> datetime:
    """Until when an epoch that is closed on that day is locked. Raises ScheduleUnusable."""
    return datetime.combine(retention_schedule().locked_until(closed_on), time.min, UTC)


def _epochs(origin: str, full_only: bool, by: User) -> Iterator[Epoch]:
    """What an earlier pass left, then what is to be closed now."""
    yield from unarchived(origin)
    for publication in closings(
        origin, closed_size(origin), megabytes=settings.CREDENCE_EPOCH_MB, full_only=full_only
    ):
        yield close_epoch(
            publication,
            by=by,
            locked_until=lock_date(timezone.now().date()),
            policy=trust.policy_text(),
            stamps=[size for size in new_stamps(origin) if size <= publication.size],
        )


def _archive(
    epoch: Epoch, store: ArchiveStore, by: User, on_object: Step | None
) -> list[ArchivedObject]:
    rows = []
    for key, file in _objects(epoch):
        if on_object is not None:
            on_object(key)
        with file:
            rows.append(_put(epoch, key, file, store))
    record_archived(epoch, rows, by=by)
    return rows


def _objects(epoch: Epoch) -> Iterator[tuple[str, IO[bytes]]]:
    for name, data in _trust(epoch):
        yield f"{epoch.origin}/{name}", io.BytesIO(data)
    with work_file() as file:
        write_epoch(epoch, file)
        yield epoch.key, file
    note = epoch.publication.note.encode()
    yield f"{epoch.origin}/{checkpoint_name(epoch.last + 1)}", io.BytesIO(note)


def _put(epoch: Epoch, key: str, file: IO[bytes], store: ArchiveStore) -> ArchivedObject:
    sha256 = sha256_of(file)
    size = file.seek(0, io.SEEK_END)
    stored = store.put(key, file, sha256=sha256, locked_until=epoch.locked_until)
    return ArchivedObject(
        origin=epoch.origin,
        key=key,
        version_id=stored.version_id,
        sha256=sha256,
        size=size,
        tree_size=epoch.last + 1,
        epoch=epoch if key == epoch.key else None,
        locked_until=stored.locked_until,
        read_back_at=timezone.now(),
    )


def _trust(epoch: Epoch) -> Iterator[tuple[str, bytes]]:
    """Policy and roots of time stamps under the next number where one changed, and notes about keys that are not archived yet."""
    prefix = f"{epoch.origin}/trust/"
    archived = ArchivedObject.objects.filter(origin=epoch.origin, key__startswith=prefix)
    digests = dict(archived.values_list("key", "sha256"))
    now = {"policy": epoch.policy.encode()}
    if settings.CREDENCE_TSA_ROOTS:
        now["tsa.pem"] = Path(settings.CREDENCE_TSA_ROOTS).read_bytes()
    number = sum(key.endswith("/policy") for key in digests)
    if any(
        digests.get(f"{prefix}{number:04d}/{name}") != hashlib.sha256(data).hexdigest()
        for name, data in now.items()
    ):
        for name, data in now.items():
            yield f"trust/{number + 1:04d}/{name}", data
    for name, note in trust.note_files(epoch.origin).items():
        if prefix + name not in digests:
            yield f"trust/{name}", note.encode()

"""One pass of archiving: copy the sealed log out, then say in the log what was copied.

1. Tiles, entry bundles and keys are written first and the checkpoint over them last: an archive with a checkpoint is complete at its size.
2. Only then are the objects recorded. A crash in between leaves objects that the next pass finds in place, byte for byte.

Layout, below the origin: `tile/...`, `tile/entries/...` (tlog-tiles), `checkpoints/<size, 20 digits>`,
`trust/<n>/policy`, `trust/delegations/<key id>.note`.
"""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.contrib.auth.models import User
from django.db.models import Max
from django.utils import timezone

from audit import tree, trust
from audit.action import require
from audit.actions.archive import record_archived
from audit.archive.stores import archive_store
from audit.models import ArchivedObject, Publication
from audit.queries import newest_checkpoint
from audit.schedules import retention_schedule
from audit.sequencer import current_origin
from audit.tiles import Bundle, tiles_at

ARCHIVE_LOG = "audit.archive_log"
Step = Callable[[str], None]


@dataclass(frozen=True)
class ArchivePass:
    """What one pass copied: new objects and their bytes, and the size of the tree that the archive now holds."""

    origin: str
    tree_size: int
    objects: int
    size: int


def archive_pass(*, by: User, on_object: Step | None = None) -> ArchivePass:
    """Copy what was sealed since the last pass, and record it. Raises NothingSealed, ArchiveRefused, NotPermitted."""
    require(by, ARCHIVE_LOG)
    origin = current_origin()
    checkpoint, store = newest_checkpoint(origin), archive_store()
    if checkpoint.size == archived_size(origin):
        return ArchivePass(origin, checkpoint.size, 0, 0)
    ends_on = retention_schedule().locked_until(timezone.now().date())
    objects, locked_until = [], datetime.combine(ends_on, time.min, UTC)
    for key, data in _objects(checkpoint, since=archived_size(origin)):
        sha256 = hashlib.sha256(data).hexdigest()
        store.put(f"{origin}/{key}", io.BytesIO(data), sha256=sha256, locked_until=locked_until)
        objects.append(_row(checkpoint, f"{origin}/{key}", data))
        if on_object is not None:
            on_object(key)
    record_archived(checkpoint, objects, by=by)
    return ArchivePass(origin, checkpoint.size, len(objects), sum(o.size for o in objects))


def archived_size(origin: str) -> int:
    """The size of the tree that the archive holds; 0 before the first pass."""
    newest = ArchivedObject.objects.filter(origin=origin).aggregate(size=Max("tree_size"))["size"]
    return newest or 0


def _objects(checkpoint: Publication, *, since: int) -> Iterator[tuple[str, bytes]]:
    origin = checkpoint.origin
    for tile in tiles_at(checkpoint.size, since):
        yield tile.path, tree.tile_bytes(origin, tile)
        if tile.level == 0:
            bundle = Bundle(tile.index, tile.width)
            yield bundle.path, tree.bundle_bytes(origin, bundle)
    yield from _trust(origin)
    yield f"checkpoints/{checkpoint.size:020d}", checkpoint.note.encode()


def _trust(origin: str) -> Iterator[tuple[str, bytes]]:
    """The policy under the next number where it changed, and delegations that are not archived yet."""
    archived = ArchivedObject.objects.filter(origin=origin, key__startswith=f"{origin}/trust/")
    digests = dict(archived.order_by("pk").values_list("key", "sha256"))
    policy = trust.policy_text().encode()
    policies = [key for key in digests if key.endswith("/policy")]
    if not policies or digests[policies[-1]] != hashlib.sha256(policy).hexdigest():
        yield f"trust/{len(policies) + 1:04d}/policy", policy
    for name, note in trust.note_files().items():
        if f"{origin}/trust/{name}" not in digests:
            yield f"trust/{name}", note.encode()


def _row(checkpoint: Publication, key: str, data: bytes) -> ArchivedObject:
    return ArchivedObject(
        origin=checkpoint.origin,
        key=key,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        tree_size=checkpoint.size,
        read_back_at=timezone.now(),
    )

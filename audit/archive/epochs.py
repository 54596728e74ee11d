"""Where epochs end, and the one object that each becomes.

The object is an uncompressed tar that comes out the same, byte for byte, whenever it is made: members sorted by name, no times, no
owners. Below the origin: the tiles and entry bundles that were completed since the last epoch and the partial ones of the closing
checkpoint, that checkpoint as it was published, time stamps with the checkpoints that they are for, and, last, `manifest.json`.
The members of all epochs of an origin together are a tlog-tiles tree.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

from django.db.models import Sum
from django.db.models.functions import Length

from audit import tree
from audit.models import Epoch, Leaf, Publication, TimestampToken
from audit.queries import publications
from audit.tiles import Bundle, parse_path, tiles_at

SCHEMA = "credence-epoch/1"
MANIFEST = "manifest.json"
MEGABYTE = 1_000_000
# A hash in its tile, and what higher tiles add to it.
TREE_BYTES_PER_ENTRY = 33
Step = Callable[[str], None]


def closings(origin: str, first: int, *, megabytes: int, full_only: bool) -> Iterator[Publication]:
    """The published checkpoints at which the next epochs close: each of at most `megabytes`, if a checkpoint allows.

    With `full_only` what is smaller stays open.
    """
    sizes = publications(origin).filter(checkpoint__size__gt=first)
    while (newest := sizes.filter(checkpoint__size__gt=first).first()) is not None:
        limit = megabytes * MEGABYTE
        if waiting_bytes(origin, first, newest.size) <= limit:
            if not full_only:
                yield newest
            return
        closing = _largest_within(origin, first, limit)
        yield closing
        first = closing.size


def waiting_bytes(origin: str, first: int, size: int) -> int:
    """About how large the epoch of these entries becomes."""
    entries = Leaf.objects.filter(origin=origin, index__gte=first, index__lt=size)
    total = entries.aggregate(total=Sum(Length("entry__body")))["total"] or 0
    return int(total) + (size - first) * TREE_BYTES_PER_ENTRY


def _largest_within(origin: str, first: int, limit: int) -> Publication:
    """The last checkpoint whose epoch stays within the limit; the very next one where none does."""
    ahead = publications(origin).filter(checkpoint__size__gt=first).order_by("checkpoint__size")
    sizes = list(ahead.values_list("checkpoint__size", flat=True))
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if waiting_bytes(origin, first, sizes[middle]) <= limit:
            low = middle
        else:
            high = middle - 1
    return ahead.get(checkpoint__size=sizes[low])


def write_epoch(epoch: Epoch, out: IO[bytes], *, on_member: Step | None = None) -> None:
    """Write the epoch's object, one member in memory at a time. Raises NoSuchTile where rows are missing."""
    files: dict[str, dict[str, object]] = {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, read in sorted(_members(epoch).items()):
            data = read()
            files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            _add(tar, name, data)
            if on_member is not None:
                on_member(name)
        manifest = {
            "schema": SCHEMA,
            "origin": epoch.origin,
            "first": epoch.first,
            "last": epoch.last,
            "tree_size": epoch.last + 1,
            "root": epoch.publication.root.hex(),
            "files": files,
        }
        _add(tar, MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode())


def _members(epoch: Epoch) -> dict[str, Callable[[], bytes]]:
    """Names, and how to get the bytes when their turn comes."""
    members: dict[str, Callable[[], bytes]] = {}

    def tile(path: str) -> Callable[[], bytes]:
        place = parse_path(path)
        if isinstance(place, Bundle):
            return lambda: tree.bundle_bytes(epoch.origin, place)
        return lambda: tree.tile_bytes(epoch.origin, place)

    for found in tiles_at(epoch.last + 1, epoch.first):
        members[found.path] = tile(found.path)
        if found.level == 0:
            path = Bundle(found.index, found.width).path
            members[path] = tile(path)
    note = epoch.publication.note.encode()
    members[checkpoint_name(epoch.last + 1)] = lambda: note
    members |= _stamps(epoch)
    return members


def _stamps(epoch: Epoch) -> dict[str, Callable[[], bytes]]:
    """The time stamps that were fixed when the epoch was closed, each with the very note that it is for."""
    members: dict[str, Callable[[], bytes]] = {}
    tokens = TimestampToken.objects.filter(
        publication__checkpoint__origin=epoch.origin,
        publication__checkpoint__size__in=epoch.stamps,
    )
    for token in tokens.select_related("publication__checkpoint"):
        size = token.publication.size
        members[checkpoint_name(size)] = token.publication.note.encode
        members[f"timestamps/{size:020d}.tsr"] = partial(bytes, token.response)
    return members


def new_stamps(origin: str) -> list[int]:
    """Sizes of the checkpoints whose time stamps no closed epoch holds yet."""
    stamped = TimestampToken.objects.filter(publication__checkpoint__origin=origin)
    sizes = set(stamped.values_list("publication__checkpoint__size", flat=True))
    for held in Epoch.objects.filter(origin=origin).values_list("stamps", flat=True):
        sizes -= set(held)
    return sorted(sizes)


def checkpoint_name(size: int) -> str:
    return f"checkpoints/{size:020d}"


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), 0o644, 0
    tar.addfile(member, io.BytesIO(data))


def unarchived(origin: str) -> Iterator[Epoch]:
    """Epochs that were closed and are not recorded as archived, oldest first: a crash, or a store that was away."""
    waiting = Epoch.objects.filter(origin=origin, archived=None).order_by("first")
    return waiting.select_related("publication__checkpoint").iterator()

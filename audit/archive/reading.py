"""Reading the archive back: an epoch's object against its row, its manifest, and the tree.

Needs of the database only the rows that say what was archived, and the hashes of tiles that other epochs hold.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from audit import tree
from audit.archive.epochs import MANIFEST, SCHEMA, checkpoint_name
from audit.archive.store import ArchiveStore, ObjectDiffers
from audit.archive.work import work_file
from audit.merkle import fold, leaf_hash, perfect_subtrees, tree_root
from audit.models import ArchivedObject, Epoch
from audit.tiles import (
    TILE_WIDTH,
    Bundle,
    MalformedBundle,
    MalformedTilePath,
    Tile,
    decode_bundle,
    parse_path,
    split_tile,
    subtrees_from,
    tiles_at,
)
from audit.tree import NoSuchTile

CHUNK = 1 << 20


@contextmanager
def fetched(store: ArchiveStore, row: ArchivedObject) -> Iterator[IO[bytes]]:
    """The object in a file of ours, once its digest is the recorded one.

    Raises ObjectDiffers, ObjectMissing, ObjectCold or another ArchiveRefused.
    """
    digest = hashlib.sha256()
    with work_file() as file:
        with store.open(row.key, row.version_id) as body:
            while chunk := body.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != row.sha256:
            raise ObjectDiffers(f"{row.key} was changed in the archive.")
        file.seek(0)
        yield file


def require_same_bytes(store: ArchiveStore, row: ArchivedObject) -> None:
    """Read the object through. Raises ObjectDiffers, ObjectMissing, ObjectCold or another ArchiveRefused."""
    digest = hashlib.sha256()
    with store.open(row.key, row.version_id) as body:
        while chunk := body.read(CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != row.sha256:
        raise ObjectDiffers(f"{row.key} was changed in the archive.")


def epoch_problems(epoch: Epoch, file: IO[bytes]) -> Iterator[str]:
    """What is wrong with an epoch's object; nothing where all holds.

    1. Its members are exactly those of its manifest, and the manifest is about this epoch.
    2. It holds every tile and bundle that the epoch must have, and the closing checkpoint as it was published.
    3. Entries hash to their tiles, full tiles to the level above, and the tiles lead to the root of the checkpoint.
    """
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            yield from _Opened(epoch, tar).problems()
    except (tarfile.TarError, OSError, EOFError) as problem:
        yield f"{epoch.key} cannot be read as a tar: {problem}"


class _Opened:
    def __init__(self, epoch: Epoch, tar: tarfile.TarFile) -> None:
        self._epoch, self._tar = epoch, tar
        self._members = {member.name: member for member in tar.getmembers()}

    def problems(self) -> Iterator[str]:
        listed = list(self._manifest_problems())
        yield from listed
        if listed:
            return
        missing = sorted(self._expected() - set(self._members))
        yield from (f"{self._epoch.key} lacks {name}" for name in missing)
        if missing:
            return
        if self._bytes(checkpoint_name(self._size)) != self._epoch.publication.note.encode():
            yield f"{self._epoch.key} closes with another checkpoint than was published"
        try:
            yield from self._tree_problems()
        except (NoSuchTile, MalformedBundle) as problem:
            yield f"{self._epoch.key}: {problem}"

    @property
    def _size(self) -> int:
        return self._epoch.last + 1

    def _bytes(self, name: str) -> bytes:
        member = self._tar.extractfile(self._members[name])
        return member.read() if member else b""

    def _manifest_problems(self) -> Iterator[str]:
        key, epoch = self._epoch.key, self._epoch
        try:
            manifest = json.loads(self._bytes(MANIFEST))
            said = {name: manifest[name] for name in ("schema", "origin", "first", "last", "tree_size", "root")}  # fmt: skip
            files = {name: (at["sha256"], at["size"]) for name, at in manifest["files"].items()}
        except (KeyError, ValueError, TypeError, AttributeError):
            yield f"the manifest of {key} cannot be read"
            return
        if list(said.values()) != [
            SCHEMA, epoch.origin, epoch.first, epoch.last, self._size, epoch.publication.root.hex(),
        ]:  # fmt: skip
            yield f"the manifest of {key} is about another epoch"
        names = set(self._members) - {MANIFEST}
        yield from (f"{key} lacks {name}" for name in sorted(set(files) - names))
        yield from (f"{key}: the manifest lacks {name}" for name in sorted(names - set(files)))
        for name in sorted(names & set(files)):
            data = self._bytes(name)
            if (hashlib.sha256(data).hexdigest(), len(data)) != files[name]:
                yield f"{key}: {name} is not what the manifest says"

    def _expected(self) -> set[str]:
        names = {checkpoint_name(self._size)}
        for tile in tiles_at(self._size, self._epoch.first):
            names.add(tile.path)
            if tile.level == 0:
                names.add(Bundle(tile.index, tile.width).path)
        return names

    def _tree_problems(self) -> Iterator[str]:
        for name in sorted(self._members):
            try:
                place = parse_path(name)
            except MalformedTilePath:
                continue
            if isinstance(place, Bundle):
                hashes = [leaf_hash(entry) for entry in decode_bundle(self._bytes(name))]
                if b"".join(hashes) != self._tile(Tile(0, place.index, place.width)):
                    yield f"{self._epoch.key}: {name} does not hash to its tile"
            elif place.width == TILE_WIDTH and tree_root(
                split_tile(self._bytes(name))
            ) != self._above(place):
                yield f"{self._epoch.key}: {name} does not lead to the tile above"
        subtree = subtrees_from(self._size, self._tile)
        roots = [subtree(level, index) for level, index in perfect_subtrees(0, self._size)]
        if fold(roots) != self._epoch.publication.root:
            yield f"{self._epoch.key} does not lead to the root of its checkpoint"

    def _tile(self, tile: Tile) -> bytes:
        """From the epoch itself, else, for what earlier epochs completed, from the database."""
        if tile.path in self._members:
            return self._bytes(tile.path)
        return tree.tile_bytes(self._epoch.origin, tile)

    def _above(self, tile: Tile) -> bytes:
        level, (index, offset) = tile.level + 1, divmod(tile.index, TILE_WIDTH)
        there = self._size >> 8 * level
        width = min(TILE_WIDTH, there - index * TILE_WIDTH)
        return split_tile(self._tile(Tile(level, index, width)))[offset]

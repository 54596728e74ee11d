"""The log as static files: tiles of hashes, bundles of entries, and the checkpoint.

Source: C2SP tlog-tiles and tlog-checkpoint. Pure: numbers and bytes in and out.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from audit.merkle import HASH_BYTES, Subtree, fold, perfect_subtrees, tree_root

TILE_WIDTH = 256
TILE_HEIGHT = 8  # a tile holds 2^8 hashes
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 65_535

_NUMBER = r"(?:x\d{3}/)*\d{3}"
_PATH = re.compile(rf"tile/(entries|0|[1-9]\d?)/({_NUMBER})(?:\.p/([1-9]\d{{0,2}}))?", re.ASCII)
_ORIGIN = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


class MalformedTilePath(ValueError):
    """A path that names no tile and no bundle."""


class MalformedBundle(ValueError):
    """Bytes that are not a sequence of entries with their lengths."""


class MalformedCheckpoint(ValueError):
    """A text that is not origin, size and root."""


@dataclass(frozen=True)
class Tile:
    """Where a run of hashes stands: `width` hashes from `index` * 256 on, at a tile level.

    Level 0 holds leaf hashes; a hash of level n+1 is the root of a full tile of level n.
    """

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        return f"tile/{self.level}/{_numbered(self.index, self.width)}"


@dataclass(frozen=True)
class Bundle:
    """Where a run of entries stands: the `width` entries whose hashes are level-0 tile `index`."""

    index: int
    width: int

    @property
    def path(self) -> str:
        return f"tile/entries/{_numbered(self.index, self.width)}"


def parse_path(path: str) -> Tile | Bundle:
    """The tile or bundle that `path` names. Raises MalformedTilePath."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedTilePath(f"{path!r} names no tile.")
    kind, number, width_text = match.groups()
    index, width = int(number.replace("x", "").replace("/", "")), int(width_text or TILE_WIDTH)
    tile = Bundle(index, width) if kind == "entries" else Tile(int(kind), index, width)
    if tile.path != path or (isinstance(tile, Tile) and tile.level > MAX_LEVEL):
        raise MalformedTilePath(f"{path!r} names no tile.")
    return tile


def tiles_at(size: int, since: int = 0) -> Iterator[Tile]:
    """The tiles of a tree of `size` that a tree of `since` had not, lowest level first."""
    level = 0
    while size > 0:
        for index in range(since // TILE_WIDTH, size // TILE_WIDTH):
            yield Tile(level, index, TILE_WIDTH)
        if size % TILE_WIDTH and size != since:
            yield Tile(level, size // TILE_WIDTH, size % TILE_WIDTH)
        level, size, since = level + 1, size // TILE_WIDTH, since // TILE_WIDTH


def bundles_at(size: int) -> Iterator[Bundle]:
    """The bundles that hold the first `size` entries."""
    return (Bundle(tile.index, tile.width) for tile in tiles_at(size) if tile.level == 0)


def split_tile(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def subtrees_from(size: int, read: Callable[[Tile], bytes]) -> Subtree:
    """Subtree roots taken from the tiles of a tree of `size`, each tile read once."""
    read_once = lru_cache(maxsize=None)(read)

    def subtree(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, offset = divmod(index << height, TILE_WIDTH)
        hashes_at_level = size >> (TILE_HEIGHT * tile_level)
        width = min(TILE_WIDTH, hashes_at_level - tile_index * TILE_WIDTH)
        hashes = split_tile(read_once(Tile(tile_level, tile_index, width)))
        return tree_root(hashes[offset : offset + (1 << height)])

    return subtree


@dataclass(frozen=True)
class FullTile:
    """A tile that will never change again, with its root: the hash it adds to the level above."""

    level: int
    index: int
    hashes: bytes
    root: bytes


class Frontier:
    """The tiles of a tree that are not yet full: all that appending needs.

    `levels` holds, for each tile level from 0 up, the hashes of its last, unfinished tile (0 to 255 of them).
    """

    def __init__(self, size: int = 0, levels: Iterable[list[bytes]] = ()) -> None:
        self.size = size
        self.levels = list(levels)
        if [len(level) for level in self.levels] != frontier_widths(size):
            raise ValueError(f"These are not the unfinished tiles of a tree of {size}.")

    def append(self, leaves: Iterable[bytes]) -> list[FullTile]:
        """Add leaf hashes; the tiles that became full, lowest level first where one fills another."""
        full: list[FullTile] = []
        for leaf in leaves:
            self.size += 1
            self._push(0, leaf, full)
        return full

    def _push(self, level: int, new: bytes, full: list[FullTile]) -> None:
        if level == len(self.levels):
            self.levels.append([])
        hashes = self.levels[level]
        hashes.append(new)
        if len(hashes) == TILE_WIDTH:
            index = (self.size >> TILE_HEIGHT * (level + 1)) - 1
            tile = FullTile(level, index, b"".join(hashes), tree_root(hashes))
            full.append(tile)
            hashes.clear()
            self._push(level + 1, tile.root, full)

    @property
    def root(self) -> bytes:
        """The root of the whole tree, from what its full tiles left in the levels above."""
        hashes = []
        for level in reversed(self.levels):
            for height, index in perfect_subtrees(0, len(level)):
                hashes.append(tree_root(level[index << height : (index + 1) << height]))
        return fold(hashes)


def frontier_widths(size: int) -> list[int]:
    """How many hashes the unfinished tile of each level holds, from level 0 up."""
    widths = []
    while size:
        widths.append(size % TILE_WIDTH)
        size //= TILE_WIDTH
    return widths


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after another, each behind its length in two bytes.

    Raises MalformedBundle for an entry that two bytes cannot measure.
    """
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise MalformedBundle(
                f"An entry of {len(entry)} bytes is longer than {MAX_ENTRY_BYTES}."
            )
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises MalformedBundle unless the last one ends where the data ends."""
    entries: list[bytes] = []
    position = 0
    while position < len(data):
        start = position + 2
        end = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or end > len(data):
            raise MalformedBundle(f"The bundle ends within entry {len(entries)}.")
        entries.append(data[start:end])
        position = end
    return entries


@dataclass(frozen=True)
class CheckpointBody:
    """What a log says of itself at one size; signed, it is a checkpoint."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> CheckpointBody:
    """Read a checkpoint's text. Raises MalformedCheckpoint, also for extension lines.

    We write no extension lines and accept none: nobody could audit them.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedCheckpoint("A checkpoint has exactly three lines: origin, size and root.")
    origin, size, root_text = lines[:3]
    if not is_origin(origin):
        raise MalformedCheckpoint(
            f"{origin!r} is not an origin: no spaces, no plus sign, not empty."
        )
    if not _SIZE.fullmatch(size):
        raise MalformedCheckpoint(f"{size!r} is not a tree size.")
    try:
        root = base64.b64decode(root_text, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedCheckpoint("The root is not base64.") from None
    if len(root) != HASH_BYTES or base64.b64encode(root).decode() != root_text:
        raise MalformedCheckpoint(f"The root is not base64 of {HASH_BYTES} bytes.")
    return CheckpointBody(origin, int(size), root)


def is_origin(text: str) -> bool:
    return _ORIGIN.fullmatch(text) is not None


def proof_text(index: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """A `.tlog-proof`: an entry's index and path, and the signed checkpoint that they lead to."""
    hashes = "".join(base64.b64encode(h).decode() + "\n" for h in proof)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{checkpoint}"


def _numbered(index: int, width: int) -> str:
    """1234067 -> x001/x234/067, and the width of what is not yet full."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return "/".join(groups) + ("" if width == TILE_WIDTH else f".p/{width}")

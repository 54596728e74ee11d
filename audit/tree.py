"""The tree as the database keeps it: leaves and full tiles in rows, everything else computed from them."""

from audit.errors import NotFound
from audit.merkle import Subtree, consistency_proof
from audit.models import Entry, Leaf
from audit.models import Tile as TileRow
from audit.tiles import (
    TILE_WIDTH,
    Bundle,
    Frontier,
    Tile,
    encode_bundle,
    frontier_widths,
    subtrees_from,
)


class NoSuchTile(NotFound):
    """The tree is not large enough to have this tile."""


def hashes_at(origin: str, level: int, begin: int, end: int) -> list[bytes]:
    """Hashes begin..end of a tile level: leaf hashes, or the roots of the full tiles below."""
    if level == 0:
        leaves = Leaf.objects.filter(origin=origin, index__gte=begin, index__lt=end)
        return [bytes(h) for h in leaves.order_by("index").values_list("leaf_hash", flat=True)]
    below = TileRow.objects.filter(
        origin=origin, level=level - 1, number__gte=begin, number__lt=end
    )
    return [bytes(h) for h in below.order_by("number").values_list("root", flat=True)]


def frontier_at(origin: str, size: int) -> Frontier:
    """The unfinished tiles of a tree of `size`. Raises ValueError where rows are missing."""
    levels = []
    for level, width in enumerate(frontier_widths(size)):
        end = size // TILE_WIDTH**level
        levels.append(hashes_at(origin, level, end - width, end))
    return Frontier(size, levels)


def tile_bytes(origin: str, tile: Tile) -> bytes:
    """The hashes of a full or partial tile. Raises NoSuchTile."""
    if tile.width == TILE_WIDTH:
        rows = TileRow.objects.filter(origin=origin, level=tile.level, number=tile.index)
        data = bytes(rows.values_list("hashes", flat=True).first() or b"")
    else:
        begin = tile.index * TILE_WIDTH
        data = b"".join(hashes_at(origin, tile.level, begin, begin + tile.width))
    if len(data) != 32 * tile.width:
        raise NoSuchTile(f"The log {origin} has no {tile.path}.")
    return data


def bundle_bytes(origin: str, bundle: Bundle) -> bytes:
    """The entries beside one level-0 tile. Raises NoSuchTile."""
    begin = bundle.index * TILE_WIDTH
    entries = Entry.objects.filter(
        leaf__origin=origin, leaf__index__gte=begin, leaf__index__lt=begin + bundle.width
    )
    bodies = [
        bytes(body) for body in entries.order_by("leaf__index").values_list("body", flat=True)
    ]
    if len(bodies) != bundle.width:
        raise NoSuchTile(f"The log {origin} has no {bundle.path}.")
    return encode_bundle(bodies)


def subtrees(origin: str, size: int) -> Subtree:
    """Subtree roots of the tree of `size`, from which proofs are made."""
    return subtrees_from(size, lambda tile: tile_bytes(origin, tile))


def growth(origin: str, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `new` begins with the tree of `old`; empty where there is nothing to prove."""
    return consistency_proof(old, new, subtrees(origin, new)) if 0 < old < new else []

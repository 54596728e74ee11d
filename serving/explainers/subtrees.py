"""Trees cut into subtrees, each of which gets one table.

Inside a subtree an applicant matters only through the pattern of satisfied conditions at its root and
the side that it takes at each of its splits. So several leaves share one table row where apart each
needs one, and the rows fetched from memory are most of what a score costs.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.explainers.forest import ALL_BITS, Forest, Patterns, Places, Small, Starts

GROWTH = 3  # leaves are joined while their one table is at most so many times as large as theirs
MOST_INDEX_BITS = 16  # of a table of more than one leaf
MOST_SLOTS = 1 << 16  # of a tree: what Small can count


class Subtrees(NamedTuple):
    """Which splits lie above the subtrees, and which inside which, as flat arrays tree by tree.

    A row's place in the table of a subtree: the pattern at its root (`width` bits), and above it a
    bit for each inner split, set where the row goes left. What is told per subtree is small, and read
    in order: where its part of another array begins is the sum of what came before.
    """

    top_starts: Starts  # (trees + 1,)
    top: Small  # per split above the subtrees, parents first: its slot
    top_keep: Patterns
    top_left: Small
    top_right: Small
    starts: Starts  # (trees + 1,)
    slot: Small  # per subtree: of its root
    width: Small
    inner_count: Small
    columns: Small  # of its table, one for each player
    inner: Small  # slots of the inner splits, parents first
    players: Small  # of the columns; first those above the root, by their bits
    leaf_starts: Starts  # (subtrees + 1,)
    leaves: Places  # counted over the forest
    leaf_columns: Small  # for each of the forest's leaf_players, its column in the subtree's table

    @property
    def table_size(self) -> int:
        """Numbers in all tables; beyond what an array can hold where a path is long."""
        bits = (self.width + self.inner_count).tolist()
        return sum(
            columns << width for columns, width in zip(self.columns.tolist(), bits, strict=True)
        )

    @property
    def reached_size(self) -> int:
        return int((1 << self.inner_count.astype(np.int64)).sum())


@dataclass(frozen=True)
class _Part:
    """What lies below one node: a leaf, or splits and leaves that share a table."""

    splits: tuple[int, ...]  # slots, parents first
    players: tuple[int, ...]
    leaves: tuple[int, ...]
    width: int  # players above the node

    @property
    def rows(self) -> int:
        return 1 << (self.width + len(self.splits))

    @property
    def size(self) -> int:
        return self.rows * len(self.players)


@dataclass
class _Lists:
    """Subtrees while they grow."""

    top_starts: list[int] = field(default_factory=lambda: [0])
    top: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    slot: list[int] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)

    def add_tree(self, forest: Forest, tree: int) -> None:
        first, last = int(forest.split_starts[tree]), int(forest.split_starts[tree + 1])
        left, right = forest.left[first:last].tolist(), forest.right[first:last].tolist()
        parts = _parts(forest, tree, left, right)
        self.top.extend(split for split in range(last - first) if parts[split] is None)
        self.top_starts.append(len(self.top))
        pending = [0]
        for slot in pending:  # grows as children are found
            if (part := parts[slot]) is not None:
                self.slot.append(slot)
                self.parts.append(part)
            else:
                pending += [left[slot], right[slot]]
        self.starts.append(len(self.slot))


def _parts(forest: Forest, tree: int, left: list[int], right: list[int]) -> list[_Part | None]:
    """Per slot of the tree what lies below it as one part; None where it is too large to be one."""
    widths = [0] * (2 * len(left) + 1)
    first, last = int(forest.split_starts[tree]), int(forest.split_starts[tree + 1])
    for split, keep in enumerate(forest.keep[first:last].tolist()):
        bits = (ALL_BITS ^ keep).bit_length()
        widths[left[split]] = widths[right[split]] = max(widths[split], bits)
    parts: list[_Part | None] = [None] * len(left)
    for leaf in range(int(forest.leaf_starts[tree]), int(forest.leaf_starts[tree + 1])):
        begin, end = forest.player_starts[leaf : leaf + 2].tolist()
        players = tuple(forest.leaf_players[begin:end].tolist())
        parts.append(_Part((), players, (leaf,), len(players)))
    for split in reversed(range(len(left))):
        parts[split] = _joined(split, parts[left[split]], parts[right[split]], widths[split])
    return parts


def _joined(split: int, one: _Part | None, other: _Part | None, width: int) -> _Part | None:
    """A split and the two parts below it as one part, when its table does not grow beyond theirs."""
    if one is None or other is None:
        return None
    new = tuple(player for player in other.players if player not in one.players)
    splits = (split, *sorted(one.splits + other.splits))
    joined = _Part(splits, one.players + new, one.leaves + other.leaves, width)
    if joined.rows > 1 << MOST_INDEX_BITS or joined.size > GROWTH * (one.size + other.size):
        return None
    return joined


def subtrees_of(forest: Forest) -> Subtrees:
    """Cut the trees, of at most MOST_SLOTS slots each."""
    lists = _Lists()
    for tree in range(len(forest.split_starts) - 1):
        lists.add_tree(forest, tree)
    parts = lists.parts
    top = _small(lists.top)
    splits = top + np.repeat(forest.split_starts[:-1], np.diff(lists.top_starts))
    return Subtrees(
        top_starts=np.array(lists.top_starts, dtype=np.uint64),
        top=top,
        top_keep=forest.keep[splits],
        top_left=_small(forest.left[splits]),
        top_right=_small(forest.right[splits]),
        starts=np.array(lists.starts, dtype=np.uint64),
        slot=_small(lists.slot),
        width=_small([part.width for part in parts]),
        inner_count=_small([len(part.splits) for part in parts]),
        columns=_small([len(part.players) for part in parts]),
        inner=_small([split for part in parts for split in part.splits]),
        players=_small([player for part in parts for player in part.players]),
        leaf_starts=np.cumsum([0, *(len(part.leaves) for part in parts)]).astype(np.uint64),
        leaves=np.array([leaf for part in parts for leaf in part.leaves], dtype=np.uint32),
        leaf_columns=_leaf_columns(forest, parts),
    )


def _leaf_columns(forest: Forest, parts: list[_Part]) -> Small:
    columns = np.zeros(len(forest.leaf_players), dtype=np.uint16)
    for part in parts:
        place = {player: column for column, player in enumerate(part.players)}
        for leaf in part.leaves:
            begin, end = forest.player_starts[leaf : leaf + 2].tolist()
            columns[begin:end] = [
                place[player] for player in forest.leaf_players[begin:end].tolist()
            ]
    return columns


def _small(numbers: list[int] | NDArray[np.uint32]) -> Small:
    return np.array(numbers, dtype=np.uint16)

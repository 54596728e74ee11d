"""The trees of a model as flat arrays, and the pattern of satisfied conditions at each leaf."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.trees.tables import Kind, Tree
from serving.explainers.scores import Floats, Integers, UnsupportedEstimator

Patterns = NDArray[np.uint32]
# Positions are unsigned: numba then leaves out the test for an index counted from the end, which
# takes more time than the arithmetic.
Places = NDArray[np.uint32]
Small = NDArray[np.uint16]
Starts = NDArray[np.uint64]

ALL_BITS = 0xFFFFFFFF
MOST_PLAYERS_ON_A_PATH = 32  # bits of a pattern
ZERO_MISSING, CATEGORY, WHOLE_CATEGORY = range(1, 4)
KINDS = {
    Kind.ZERO_IS_MISSING: ZERO_MISSING,
    Kind.CATEGORY: CATEGORY,
    Kind.WHOLE_CATEGORY: WHOLE_CATEGORY,
}


class Forest(NamedTuple):
    """Trees as flat arrays, parents before children.

    Inside a tree a node is known by its slot: first its splits, then its leaves. `keep` clears
    the bit of the split's player on the side that a row does not take. A player's bit is its
    place in order of first appearance on the path, so that all leaves below share it.
    """

    split_starts: Starts  # (trees + 1,)
    column: Small  # per split: the matrix column compared
    threshold: Floats  # a value goes left when it is not above
    missing_left: NDArray[np.bool_]
    keep: Patterns
    left: Places  # slot of the child
    right: Places
    odd_starts: (
        Starts  # (trees + 1,), into the splits that read a value otherwise than as a plain number
    )
    odd: Places  # which splits these are
    kind: NDArray[np.uint8]  # per odd split
    list_starts: Places  # (odd splits + 1,), into listed
    listed: Floats  # per odd split on categories, those that leave the side of missing values
    leaf_starts: Starts  # (trees + 1,)
    value: Floats  # per leaf
    full: Patterns  # the pattern of a row that reaches the leaf
    player_starts: Starts  # (leaves + 1,), into leaf_players
    leaf_players: Places

    @property
    def most_slots(self) -> int:
        """Slots of the largest tree."""
        return int((np.diff(self.split_starts) + np.diff(self.leaf_starts)).max())

    @property
    def most_players(self) -> int:
        """Players of the leaf that has most."""
        return int(np.diff(self.player_starts).max())


@dataclass
class _Lists:
    """A Forest while it grows."""

    split_starts: list[int] = field(default_factory=lambda: [0])
    column: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    missing_left: list[bool] = field(default_factory=list)
    keep: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    odd_starts: list[int] = field(default_factory=lambda: [0])
    odd: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    list_starts: list[int] = field(default_factory=lambda: [0])
    listed: list[float] = field(default_factory=list)
    leaf_starts: list[int] = field(default_factory=lambda: [0])
    value: list[float] = field(default_factory=list)
    full: list[int] = field(default_factory=list)
    player_starts: list[int] = field(default_factory=lambda: [0])
    leaf_players: list[int] = field(default_factory=list)

    def add_tree(self, tree: Tree, players: Integers) -> None:
        paths: dict[int, tuple[int, ...]] = {0: ()}  # distinct players above each node
        order = [0]
        for node in order:  # grows as children are found
            if not tree.is_leaf(node):
                below = _with_player(paths[node], int(players[tree.column[node]]))
                for child in (int(tree.left[node]), int(tree.right[node])):
                    paths[child] = below
                    order.append(child)
        splits = [node for node in order if not tree.is_leaf(node)]
        leaves = [node for node in order if tree.is_leaf(node)]
        slots = {node: slot for slot, node in enumerate(splits + leaves)}
        for node in splits:
            self._add_split(tree, node, paths[node], slots, players)
        for node in leaves:
            self._add_leaf(float(tree.value[node]), paths[node])
        self.split_starts.append(len(self.column))
        self.odd_starts.append(len(self.odd))
        self.leaf_starts.append(len(self.value))

    def _add_split(
        self,
        tree: Tree,
        node: int,
        above: tuple[int, ...],
        slots: dict[int, int],
        players: Integers,
    ) -> None:
        player = int(players[tree.column[node]])
        if node in tree.kinds and tree.kinds[node] != Kind.NUMBER:
            self.odd.append(len(self.column))
            self.kind.append(KINDS[tree.kinds[node]])
            self.listed.extend(tree.listed.get(node, ()))
            self.list_starts.append(len(self.listed))
        self.column.append(int(tree.column[node]))
        self.threshold.append(float(tree.threshold[node]))
        self.missing_left.append(bool(tree.missing_left[node]))
        self.keep.append(ALL_BITS ^ (1 << _with_player(above, player).index(player)))
        self.left.append(slots[int(tree.left[node])])
        self.right.append(slots[int(tree.right[node])])

    def _add_leaf(self, value: float, path: tuple[int, ...]) -> None:
        if len(path) > MOST_PLAYERS_ON_A_PATH:
            raise UnsupportedEstimator(f"A path of {len(path)} features has no exact table.")
        self.value.append(value)
        self.full.append((1 << len(path)) - 1)
        self.leaf_players.extend(path)
        self.player_starts.append(len(self.leaf_players))


def _with_player(path: tuple[int, ...], player: int) -> tuple[int, ...]:
    return path if player in path else (*path, player)


def flattened(trees: Sequence[Tree], players: Integers) -> Forest:
    """Lay out the trees one after the other; players (p,) is the player of each column.

    Raises UnsupportedEstimator where more features meet on a path than a pattern has bits.
    """
    lists = _Lists()
    for tree in trees:
        lists.add_tree(tree, players)
    return Forest(
        split_starts=np.array(lists.split_starts, dtype=np.uint64),
        column=np.array(lists.column, dtype=np.uint16),
        threshold=np.array(lists.threshold, dtype=np.float64),
        missing_left=np.array(lists.missing_left, dtype=np.bool_),
        keep=np.array(lists.keep, dtype=np.uint32),
        left=np.array(lists.left, dtype=np.uint32),
        right=np.array(lists.right, dtype=np.uint32),
        odd_starts=np.array(lists.odd_starts, dtype=np.uint64),
        odd=np.array(lists.odd, dtype=np.uint32),
        kind=np.array(lists.kind, dtype=np.uint8),
        list_starts=np.array(lists.list_starts, dtype=np.uint32),
        listed=np.array(lists.listed, dtype=np.float64),
        leaf_starts=np.array(lists.leaf_starts, dtype=np.uint64),
        value=np.array(lists.value, dtype=np.float64),
        full=np.array(lists.full, dtype=np.uint32),
        player_starts=np.array(lists.player_starts, dtype=np.uint64),
        leaf_players=np.array(lists.leaf_players, dtype=np.uint32),
    )

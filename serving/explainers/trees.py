"""Trees of any library: exact interventional attributions, from what the baseline shows at each leaf.

For one leaf, an applicant matters only through which of the conditions on the leaf's path it
satisfies, one condition per *player* (contract feature; all one-hot columns of a feature are one
player), and the baseline only through how many of its rows satisfy which: its pattern.

For one applicant, one baseline row and a leaf of value v: the a players whose condition only the
applicant satisfies must come from the applicant, the b players whose condition only the baseline
row satisfies must come from the baseline row, and if some condition holds for neither, the leaf
gives nothing. The Shapley value of a player of the first kind is v / (a C(a+b, a)), of the second
kind -v / (b C(a+b, a)), of any other 0 (Lundberg et al. 2020, interventional TreeSHAP).

There are three ways to the same sums, each with less memory and more time:

- *collapsed leaf tables*: from the applicant's pattern to attributions, averaged over the baseline
  beforehand; the leaves of a small subtree share one table. A score adds one row of each table.
- *leaf patterns*: the distinct patterns of the baseline at each leaf, with counts. A score goes over them.
- *baseline walks*: the same, with the patterns found anew, tree by tree, for each call.

The margin is the sum of the leaves reached, from the same pass; its bits are the same by every way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from audit.deferred import deferred
from registry.trees.tables import Quantity, TreeModel
from serving.explainers.forest import Forest, Starts, flattened
from serving.explainers.forest import Patterns as LeafBits
from serving.explainers.scores import (
    Floats,
    Integers,
    Link,
    Means,
    Output,
    Scores,
    gathered_scores,
    method_of,
)
from serving.explainers.subtrees import MOST_SLOTS, Subtrees, subtrees_of
from serving.explainers.tree_kernels import (
    Counts,
    add_tree_by_patterns,
    add_trees,
    distinct_patterns,
    fill_tables,
    show_patterns,
)
from serving.serving_policy import MOST_TABLE_MIB

if TYPE_CHECKING:
    from scipy import special
else:
    special = deferred("scipy.special")  # asked when trees are compiled, and not when they score

LeafPatterns = tuple[Starts, LeafBits, Counts]  # of one tree, as distinct_patterns tells them


@dataclass(frozen=True)
class Room:
    """What the tables of one version may take in each process that scores by it.

    `means` names the way instead, whatever it takes: the one that a replay repeats.
    """

    most_mib: float = MOST_TABLE_MIB
    means: Means | None = None

    def holds(self, size: int) -> bool:
        """Whether so many bytes may be taken."""
        return self.means is not None or size <= self.most_mib * 2**20


ROOM = Room()


class Way(Protocol):
    """How the trees are added up for rows as the trees' library reads them."""

    def add(self, rows: Floats, margin: Floats, attributions: Floats) -> None:
        """Add every tree to margin (n,) and attributions (n, players)."""
        ...


@dataclass(frozen=True)
class Tables:
    forest: Forest
    subtrees: Subtrees
    tables: Floats
    reached: Floats
    most_slots: int

    def add(self, rows: Floats, margin: Floats, attributions: Floats) -> None:
        add_trees(
            self.forest,
            self.subtrees,
            self.tables,
            self.reached,
            rows,
            self.most_slots,
            margin,
            attributions,
        )


@dataclass(frozen=True)
class Patterns:
    """`trees`: what the baseline (m, p) shows at the leaves of each, as far as it is kept; None where
    each call finds it anew."""

    forest: Forest
    weights: tuple[Floats, Floats]
    baseline: Floats
    trees: tuple[LeafPatterns, ...] | None

    def add(self, rows: Floats, margin: Floats, attributions: Floats) -> None:
        for tree, seen in enumerate(self.trees or _leaf_patterns(self.forest, self.baseline)):
            add_tree_by_patterns(
                self.forest,
                np.uint64(tree),
                *seen,
                len(self.baseline),
                *self.weights,
                rows,
                margin,
                attributions,
            )


@dataclass(frozen=True)
class TreeScorer:
    """margin = (initial + sum of the trees) / divisor, and base_value its mean over the baseline."""

    way: Way
    initial: float
    divisor: float
    tiny_is_zero: float
    player_count: int
    base_value: float
    link: Link
    method: str

    def score(self, matrix: Floats) -> Scores:
        """Score n applicants, matrix (n, p). A row's answer does not depend on its neighbours."""
        rows = _as_read(matrix, self.tiny_is_zero)
        margin = np.full(len(rows), self.initial)
        attributions = np.zeros((len(rows), self.player_count))
        self.way.add(rows, margin, attributions)
        margin /= self.divisor
        attributions /= self.divisor
        return gathered_scores(margin, attributions, self.base_value, self.link)


def compile_trees(
    model: TreeModel, players: Integers, baseline: Floats, room: Room = ROOM
) -> TreeScorer:
    """Make the trees ready against the baseline matrix (m, p), by the fastest way that there is room for.

    Raises UnsupportedEstimator where too many features meet on a path.
    """
    forest = flattened(model.trees, players)
    rows = _as_read(baseline, model.tiny_is_zero)
    means, way = _way(forest, rows, room)
    margin = np.full(len(rows), model.initial)
    for tree in range(len(model.trees)):
        _patterns(forest, tree, rows, margin)
    output = Output.LOG_ODDS if model.quantity == Quantity.LOG_ODDS else Output.PROBABILITY
    return TreeScorer(
        way=way,
        initial=model.initial,
        divisor=model.divisor,
        tiny_is_zero=model.tiny_is_zero,
        player_count=int(players.max()) + 1,
        base_value=float(margin.mean() / model.divisor),
        link=Link(output),
        method=method_of(output, means, len(baseline)),
    )


def _way(forest: Forest, baseline: Floats, room: Room) -> tuple[Means, Way]:
    weights = _shapley_weights(forest.most_players)
    if room.means in (None, Means.TABLES) and forest.most_slots <= MOST_SLOTS:
        subtrees = subtrees_of(forest)
        if room.holds(8 * (subtrees.table_size + subtrees.reached_size)):
            return Means.TABLES, _tables(forest, subtrees, weights, baseline)
    if room.means != Means.WALKS:
        kept, size = [], 0
        for seen in _leaf_patterns(forest, baseline):
            size += sum(part.nbytes for part in seen)
            if not room.holds(size):
                break
            kept.append(seen)
        else:
            return Means.PATTERNS, Patterns(forest, weights, baseline, tuple(kept))
    return Means.WALKS, Patterns(forest, weights, baseline, None)


def _tables(
    forest: Forest, subtrees: Subtrees, weights: tuple[Floats, Floats], baseline: Floats
) -> Tables:
    tables = np.zeros(subtrees.table_size)
    reached = np.zeros(subtrees.reached_size)
    fill_tables(forest, subtrees, baseline, *weights, tables, reached)
    return Tables(forest, subtrees, tables, reached, forest.most_slots)


def _leaf_patterns(forest: Forest, baseline: Floats) -> Iterator[LeafPatterns]:
    """Tree by tree, what the baseline (m, p) shows."""
    for tree in range(len(forest.split_starts) - 1):
        yield distinct_patterns(_patterns(forest, tree, baseline, np.zeros(len(baseline))))


def _patterns(forest: Forest, tree: int, rows: Floats, margin: Floats) -> LeafBits:
    """What rows (n, p) show at the leaves of the tree, (leaves, n); adds it to their margin (n,)."""
    leaves = int(forest.leaf_starts[tree + 1] - forest.leaf_starts[tree])
    patterns = np.empty((leaves, len(rows)), dtype=np.uint32)
    show_patterns(forest, np.uint64(tree), rows, patterns, margin)
    return patterns


def _as_read(matrix: Floats, tiny_is_zero: float) -> Floats:
    """(n, p) values as the trees' library reads them."""
    rows = np.ascontiguousarray(matrix, dtype=np.float64)
    return np.where(np.abs(rows) <= tiny_is_zero, 0.0, rows) if tiny_is_zero else rows


def _shapley_weights(most_players: int) -> tuple[Floats, Floats]:
    """Weights (k+1, k+1) by a, the players only the applicant satisfies, and b, those only the
    baseline row satisfies: of a player of the first kind, and of one of the second."""
    a, b = np.indices((most_players + 1, most_players + 1))
    orders = special.comb(a + b, a)
    gains = np.divide(1.0, a * orders, out=np.zeros(a.shape), where=a > 0)
    losses = np.divide(-1.0, b * orders, out=np.zeros(b.shape), where=b > 0)
    return gains, losses

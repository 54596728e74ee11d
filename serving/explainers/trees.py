"""Trees of any library: exact interventional attributions from collapsed leaf tables.

For one leaf, an applicant matters only through which of the conditions on the leaf's path it
satisfies, one condition per *player* (contract feature; all one-hot columns of a feature are one
player), and the baseline only through how many of its rows satisfy which. So each leaf gets a
table from pattern of satisfied conditions to attributions, computed once over the whole baseline.
Scoring a row walks every split once, which gives the pattern at every leaf, and adds one table
row per leaf. The margin is the sum of the leaves whose pattern is full, from the same pass.

For one applicant, one baseline row and a leaf of value v: the a players whose condition only the
applicant satisfies must come from the applicant, the b players whose condition only the baseline
row satisfies must come from the baseline row, and if some condition holds for neither, the leaf
gives nothing. The Shapley value of a player of the first kind is v / (a C(a+b, a)), of the second
kind -v / (b C(a+b, a)), of any other 0 (Lundberg et al. 2020, interventional TreeSHAP).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import comb

from registry.trees.tables import Quantity, TreeModel
from serving.explainers.forest import Forest, Patterns, Places, Starts, flattened
from serving.explainers.scores import (
    Floats,
    Integers,
    Link,
    Output,
    Scores,
    TablesTooLarge,
    gathered_scores,
    method_of,
)
from serving.explainers.tree_kernels import fill_tables, score_rows, walk_rows

MOST_TABLE_BYTES = 256 * 2**20  # of one version, in each worker


@dataclass(frozen=True)
class TreeScorer:
    """A forest, its leaf tables, and the mean margin of the baseline they were made for."""

    forest: Forest
    table_starts: Starts
    tables: Floats
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
        score_rows(
            rows,
            *_walk_arguments(self.forest),
            self.forest.leaf_starts,
            self.forest.value,
            self.forest.full,
            self.forest.player_starts,
            self.forest.leaf_players,
            self.table_starts,
            self.tables,
            np.empty(self.forest.widest, dtype=np.uint32),
            margin,
            attributions,
        )
        margin /= self.divisor
        attributions /= self.divisor
        return gathered_scores(margin, attributions, self.base_value, self.link)


def compile_trees(
    model: TreeModel,
    players: Integers,
    baseline: Floats,
    most_table_bytes: int = MOST_TABLE_BYTES,
) -> TreeScorer:
    """Collapse the trees against the baseline matrix (m, p).

    1. Lay the trees out flat. 2. Size the tables and refuse before allocating. 3. Count, per
    leaf, how many baseline rows show which pattern. 4. Turn counts into tables.

    Raises UnsupportedEstimator where too many features meet on a path, TablesTooLarge when the
    tables would take more than `most_table_bytes`.
    """
    # 1
    forest = flattened(model.trees, players)
    # 2
    table_starts = _table_starts(forest, most_table_bytes)
    # 3
    patterns = np.empty((len(forest.value), len(baseline)), dtype=np.uint32)
    walk_rows(
        _as_read(baseline, model.tiny_is_zero),
        *_walk_arguments(forest),
        forest.leaf_starts,
        forest.full,
        np.empty(forest.widest, dtype=np.uint32),
        patterns,
    )
    # 4
    tables = np.zeros(int(table_starts[-1]))
    gains, losses = _shapley_weights(int(np.diff(forest.player_starts).max()))
    fill_tables(patterns, forest.value, forest.player_starts, table_starts, gains, losses, tables)

    reached = patterns == forest.full[:, np.newaxis]
    sums = model.initial + (forest.value[:, np.newaxis] * reached).sum(axis=0)
    output = Output.LOG_ODDS if model.quantity == Quantity.LOG_ODDS else Output.PROBABILITY
    return TreeScorer(
        forest=forest,
        table_starts=table_starts,
        tables=tables,
        initial=model.initial,
        divisor=model.divisor,
        tiny_is_zero=model.tiny_is_zero,
        player_count=int(players.max()) + 1,
        base_value=float(sums.mean() / model.divisor),
        link=Link(output),
        method=method_of(output, "collapsed leaf tables", len(baseline)),
    )


def _as_read(matrix: Floats, tiny_is_zero: float) -> Floats:
    """(n, p) values as the trees' library reads them."""
    rows = np.ascontiguousarray(matrix, dtype=np.float64)
    return np.where(np.abs(rows) <= tiny_is_zero, 0.0, rows) if tiny_is_zero else rows


def _walk_arguments(
    forest: Forest,
) -> tuple[
    Starts,
    Places,
    Floats,
    NDArray[np.bool_],
    NDArray[np.uint8],
    Places,
    Floats,
    Patterns,
    Places,
    Places,
]:
    return (
        forest.split_starts,
        forest.column,
        forest.threshold,
        forest.missing_left,
        forest.kind,
        forest.list_starts,
        forest.listed,
        forest.keep,
        forest.left,
        forest.right,
    )


def _table_starts(forest: Forest, most_bytes: int) -> Starts:
    """Where each leaf's table begins: (leaves + 1,); a leaf with k players has 2^k rows of k."""
    sizes = [(1 << int(k)) * int(k) for k in np.diff(forest.player_starts)]
    if sum(sizes) * 8 > most_bytes:
        raise TablesTooLarge(
            f"The leaf tables would take {sum(sizes) * 8 / 2**20:,.0f} MiB, more than the "
            f"{most_bytes / 2**20:,.0f} MiB allowed: use shallower or fewer trees."
        )
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint64)


def _shapley_weights(most_players: int) -> tuple[Floats, Floats]:
    """Weights (k+1, k+1) by a, the players only the applicant satisfies, and b, those only the
    baseline row satisfies: of a player of the first kind, and of one of the second."""
    a, b = np.indices((most_players + 1, most_players + 1))
    orders = comb(a + b, a)
    gains = np.divide(1.0, a * orders, out=np.zeros(a.shape), where=a > 0)
    losses = np.divide(-1.0, b * orders, out=np.zeros(b.shape), where=b > 0)
    return gains, losses

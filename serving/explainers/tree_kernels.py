"""The compiled loops over a forest.

They stand in one file because numba notices a change of the file that a cached function is in, and
not of another file that it calls into.
"""

import numpy as np
from numpy.typing import NDArray

from serving.explainers.compiled import compiled
from serving.explainers.forest import (
    ALL_BITS,
    PLAIN,
    WHOLE_CATEGORY,
    ZERO_MISSING,
    Patterns,
    Places,
    Starts,
)
from serving.explainers.scores import Floats

ONE = np.uint64(1)


@compiled
def _goes_left(
    value: float, threshold: float, missing_left: bool, kind: int, listed: Floats
) -> bool:
    """The side of a value that is not missing, at a split that is not a plain number."""
    if kind == ZERO_MISSING:
        return missing_left if value == 0.0 else value <= threshold
    if kind == WHOLE_CATEGORY:
        value = np.trunc(value)
    for place in range(len(listed)):
        if listed[place] == value:
            return not missing_left
    return missing_left


@compiled
def walk_tree(
    values: Floats,
    first: np.uint64,
    last: np.uint64,
    column: Places,
    threshold: Floats,
    missing_left: NDArray[np.bool_],
    kind: NDArray[np.uint8],
    list_starts: Places,
    listed: Floats,
    keep: Patterns,
    left: Places,
    right: Places,
    patterns: Patterns,
) -> None:
    """Fill `patterns` (slots,) for one row of values (p,) and the splits first to last of a tree.

    Every split is visited, so that each leaf learns which of its conditions hold. NaN takes the
    side that training chose for missing values; a value equal to the threshold goes left.
    """
    patterns[0] = np.uint32(ALL_BITS)
    for split in range(first, last):
        value = values[column[split]]
        goes_left = missing_left[split] if np.isnan(value) else value <= threshold[split]
        if kind[split] != PLAIN and not np.isnan(value):
            goes_left = _goes_left(
                value,
                threshold[split],
                missing_left[split],
                kind[split],
                listed[list_starts[split] : list_starts[split + ONE]],
            )
        pattern = patterns[split - first]
        failed = pattern & keep[split]
        patterns[left[split]] = pattern if goes_left else failed
        patterns[right[split]] = failed if goes_left else pattern


@compiled
def walk_rows(
    rows: Floats,
    split_starts: Starts,
    column: Places,
    threshold: Floats,
    missing_left: NDArray[np.bool_],
    kind: NDArray[np.uint8],
    list_starts: Places,
    listed: Floats,
    keep: Patterns,
    left: Places,
    right: Places,
    leaf_starts: Starts,
    full: Patterns,
    slots: Patterns,
    patterns: Patterns,
) -> None:
    """Fill patterns (leaves, n): which conditions of each leaf each row satisfies."""
    for tree in range(len(split_starts) - 1):
        first, last = split_starts[tree], split_starts[tree + 1]
        for row in range(rows.shape[0]):
            walk_tree(
                rows[row],
                first,
                last,
                column,
                threshold,
                missing_left,
                kind,
                list_starts,
                listed,
                keep,
                left,
                right,
                slots,
            )
            slot = last - first
            for leaf in range(leaf_starts[tree], leaf_starts[tree + 1]):
                patterns[leaf, row] = slots[slot] & full[leaf]
                slot += ONE


@compiled
def fill_tables(
    patterns: Patterns,
    value: Floats,
    player_starts: Starts,
    table_starts: Starts,
    gains: Floats,
    losses: Floats,
    tables: Floats,
) -> None:
    """Average the leaf's Shapley values over the baseline rows, for every pattern a row can show."""
    rows = patterns.shape[1]
    for leaf in range(patterns.shape[0]):
        width = np.int64(player_starts[leaf + 1] - player_starts[leaf])
        everything = (1 << width) - 1
        counts = np.zeros(everything + 1, dtype=np.int64)
        for row in range(rows):
            counts[patterns[leaf, row]] += 1
        seen = np.nonzero(counts)[0]
        for mine in range(everything + 1):
            start = np.int64(table_starts[leaf]) + mine * width
            for theirs in seen:
                if mine | theirs != everything:
                    continue
                only_mine = only_theirs = np.int64(0)
                for bit in range(width):
                    only_mine += ((mine & ~theirs) >> bit) & 1
                    only_theirs += ((theirs & ~mine) >> bit) & 1
                share = value[leaf] * counts[theirs] / rows
                for bit in range(width):
                    if ((mine & ~theirs) >> bit) & 1:
                        tables[start + bit] += share * gains[only_mine, only_theirs]
                    elif ((theirs & ~mine) >> bit) & 1:
                        tables[start + bit] += share * losses[only_mine, only_theirs]


@compiled
def score_rows(
    rows: Floats,
    split_starts: Starts,
    column: Places,
    threshold: Floats,
    missing_left: NDArray[np.bool_],
    kind: NDArray[np.uint8],
    list_starts: Places,
    listed: Floats,
    keep: Patterns,
    left: Places,
    right: Places,
    leaf_starts: Starts,
    value: Floats,
    full: Patterns,
    player_starts: Starts,
    leaf_players: Places,
    table_starts: Starts,
    tables: Floats,
    slots: Patterns,
    margin: Floats,
    attributions: Floats,
) -> None:
    """Add every tree to margin (n,) and attributions (n, players), tree by tree so that the
    tables of one tree stay in cache over the rows."""
    for tree in range(len(split_starts) - 1):
        first, last = split_starts[tree], split_starts[tree + 1]
        for row in range(rows.shape[0]):
            walk_tree(
                rows[row],
                first,
                last,
                column,
                threshold,
                missing_left,
                kind,
                list_starts,
                listed,
                keep,
                left,
                right,
                slots,
            )
            slot = last - first
            total = attributions[row]
            for leaf in range(leaf_starts[tree], leaf_starts[tree + 1]):
                pattern = slots[slot] & full[leaf]
                slot += ONE
                if pattern == full[leaf]:
                    margin[row] += value[leaf]
                begin, end = player_starts[leaf], player_starts[leaf + ONE]
                entry = table_starts[leaf] + np.uint64(pattern) * (end - begin)
                for place in range(begin, end):
                    total[leaf_players[place]] += tables[entry]
                    entry += ONE

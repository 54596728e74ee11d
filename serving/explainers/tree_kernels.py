"""The compiled loops over a forest.

They stand in one file because numba notices a change of the file that a cached function is in, and
not of another file that it calls into.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.explainers.compiled import compiled, inlined, prefetch
from serving.explainers.forest import (
    ALL_BITS,
    WHOLE_CATEGORY,
    ZERO_MISSING,
    Forest,
    Patterns,
    Starts,
)
from serving.explainers.scores import Floats
from serving.explainers.subtrees import Subtrees

Sides = NDArray[np.bool_]
Counts = NDArray[np.uint32]
Whole = int | np.integer[Any]
ZERO, ONE = np.uint64(0), np.uint64(1)
TREES_AT_ONCE = np.uint64(8)  # their tables stay in a processor's own cache over the rows


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
def _take_odd_sides(forest: Forest, tree: Whole, values: Floats, left: Sides) -> None:
    """Correct the sides taken at the splits of the tree that do not read a plain number."""
    for place in range(forest.odd_starts[tree], forest.odd_starts[tree + ONE]):
        split = np.uint64(forest.odd[place])
        value = values[forest.column[split]]
        if not np.isnan(value):
            left[split - forest.split_starts[tree]] = _goes_left(
                value,
                forest.threshold[split],
                forest.missing_left[split],
                forest.kind[place],
                forest.listed[forest.list_starts[place] : forest.list_starts[place + ONE]],
            )


@inlined
def _take_sides(forest: Forest, tree: Whole, values: Floats, left: Sides) -> None:
    """Fill `left` (splits of the tree,): where a row of values (p,) goes left.

    NaN takes the side that training chose for missing values; a value equal to the threshold goes left.
    """
    column, threshold, missing_left = forest.column, forest.threshold, forest.missing_left
    first, last = forest.split_starts[tree], forest.split_starts[tree + ONE]
    for split in range(first, last):
        value = values[column[split]]
        left[split - first] = (value <= threshold[split]) | (missing_left[split] & np.isnan(value))
    if forest.odd_starts[tree] != forest.odd_starts[tree + ONE]:
        _take_odd_sides(forest, tree, values, left)


@compiled
def show_patterns(
    forest: Forest, tree: Whole, rows: Floats, patterns: Patterns, margin: Floats
) -> None:
    """Fill patterns (leaves of the tree, n): which conditions of each leaf each row satisfies. Every
    split is visited, and hands its pattern on; on the side not taken a condition fails. The leaf that a
    row reaches is added to margin (n,)."""
    keep, left_child, right_child = forest.keep, forest.left, forest.right
    full, value = forest.full, forest.value
    first, first_leaf = forest.split_starts[tree], forest.leaf_starts[tree]
    splits, leaves = forest.split_starts[tree + ONE] - first, patterns.shape[0]
    left = np.empty(splits, dtype=np.bool_)
    slots = np.empty(splits + np.uint64(leaves), dtype=np.uint32)
    for row in range(rows.shape[0]):
        _take_sides(forest, tree, rows[row], left)
        slots[0] = np.uint32(ALL_BITS)
        for slot in range(splits):
            pattern = slots[slot]
            failed = pattern & keep[first + slot]
            slots[left_child[first + slot]] = pattern if left[slot] else failed
            slots[right_child[first + slot]] = failed if left[slot] else pattern
        for place in range(np.uint64(leaves)):
            leaf = first_leaf + place
            patterns[place, row] = slots[splits + place] & full[leaf]
            if patterns[place, row] == full[leaf]:
                margin[row] += value[leaf]


@compiled
def _ones(bits: Any) -> Any:
    """How many of 32 bits are set."""
    bits = bits - ((bits >> 1) & 0x55555555)
    bits = (bits & 0x33333333) + ((bits >> 2) & 0x33333333)
    return (((bits + (bits >> 4)) & 0x0F0F0F0F) * 0x01010101 & 0xFFFFFFFF) >> 24


@compiled
def _leaf_table(
    value: float, width: Any, patterns: Patterns, gains: Floats, losses: Floats
) -> Floats:
    """A leaf's Shapley values averaged over the baseline's patterns (m,), for every pattern that a
    row can show: (2^width x width,)."""
    everything = (1 << width) - 1
    counts = np.zeros(everything + 1, dtype=np.int64)
    for row in range(len(patterns)):
        counts[patterns[row]] += 1
    seen = np.nonzero(counts)[0]
    table = np.zeros((everything + 1) * width)
    for mine in range(everything + 1):
        start = mine * width
        for theirs in seen:
            if mine | theirs != everything:
                continue
            only_mine, only_theirs = mine & ~theirs, theirs & ~mine
            a, b = _ones(only_mine), _ones(only_theirs)
            share = value * counts[theirs] / len(patterns)
            for bit in range(width):
                if (only_mine >> bit) & 1:
                    table[start + bit] += share * gains[a, b]
                elif (only_theirs >> bit) & 1:
                    table[start + bit] += share * losses[a, b]
    return table


@compiled
def _leaf_pattern(
    forest: Forest,
    tree: Whole,
    inner: NDArray[np.uint16],
    root: Whole,
    slot: Whole,
    width: Any,
    index: Whole,
    slots: Patterns,
) -> np.uint32:
    """The pattern at the slot of a leaf, of a row at place `index` in the table of its subtree."""
    first = forest.split_starts[tree]
    above = (1 << width) - 1
    slots[root] = np.uint32((index & above) | (ALL_BITS ^ above))
    for bit in range(len(inner)):
        split = first + np.uint64(inner[bit])
        pattern = slots[inner[bit]]
        failed = pattern & forest.keep[split]
        goes_left = (index >> (width + bit)) & 1 == 1
        slots[forest.left[split]] = pattern if goes_left else failed
        slots[forest.right[split]] = failed if goes_left else pattern
    return slots[slot]  # type: ignore[no-any-return]


@compiled
def fill_tables(
    forest: Forest,
    subtrees: Subtrees,
    baseline: Floats,
    gains: Floats,
    losses: Floats,
    tables: Floats,
    reached: Floats,
) -> None:
    """Fill the tables of the subtrees, and `reached`: the value of the leaf that a row comes to when it
    comes to the subtree's root, by the sides it takes."""
    margin = np.empty(baseline.shape[0])
    start = reached_start = inner_start = np.int64(0)
    for tree in range(np.uint64(len(forest.split_starts) - 1)):
        first_leaf = forest.leaf_starts[tree]
        leaves = np.int64(forest.leaf_starts[tree + ONE] - first_leaf)
        splits = np.int64(forest.split_starts[tree + ONE] - forest.split_starts[tree])
        patterns = np.empty((leaves, baseline.shape[0]), dtype=np.uint32)
        show_patterns(forest, tree, baseline, patterns, margin)
        slots = np.empty(splits + leaves, dtype=np.uint32)
        for subtree in range(subtrees.starts[tree], subtrees.starts[tree + ONE]):
            width, columns = np.int64(subtrees.width[subtree]), np.int64(subtrees.columns[subtree])
            inner_count = np.int64(subtrees.inner_count[subtree])
            inner = subtrees.inner[inner_start : inner_start + inner_count]
            root = np.int64(subtrees.slot[subtree])
            above = (1 << width) - 1
            for leaf in subtrees.leaves[
                subtrees.leaf_starts[subtree] : subtrees.leaf_starts[subtree + ONE]
            ]:
                begin, end = (
                    np.int64(forest.player_starts[leaf]),
                    np.int64(forest.player_starts[leaf + 1]),
                )
                place = np.int64(leaf - first_leaf)
                value, full = forest.value[leaf], forest.full[leaf]
                table = _leaf_table(value, end - begin, patterns[place], gains, losses)
                for index in range(1 << (width + inner_count)):
                    pattern = full & _leaf_pattern(
                        forest, tree, inner, root, splits + place, width, index, slots
                    )
                    for bit in range(end - begin):
                        column = np.int64(subtrees.leaf_columns[begin + bit])
                        entry = np.int64(pattern) * (end - begin) + bit
                        tables[start + index * columns + column] += table[entry]
                    if index & above == above and pattern == full:
                        reached[reached_start + (index >> width)] = value
            start += columns << (width + inner_count)
            reached_start += 1 << inner_count
            inner_start += inner_count


@compiled
def add_trees(
    forest: Forest,
    subtrees: Subtrees,
    tables: Floats,
    reached: Floats,
    rows: Floats,
    most_slots: int,
    margin: Floats,
    attributions: Floats,
) -> None:
    """Add every tree to margin (n,) and attributions (n, players), some trees at a time over all rows.

    For each row 1. at the trees in turn, take sides, hand patterns down to the roots of the subtrees,
    and ask for the table rows that these tell; 2. add the table rows, which are in the cache by then.
    """
    top_starts, top, top_keep = subtrees.top_starts, subtrees.top, subtrees.top_keep
    top_left, top_right = subtrees.top_left, subtrees.top_right
    starts, root, widths = subtrees.starts, subtrees.slot, subtrees.width
    columns, players = subtrees.columns, subtrees.players
    inner_counts, inner = subtrees.inner_count, subtrees.inner
    left = np.empty(most_slots, dtype=np.bool_)
    slots = np.empty(most_slots, dtype=np.uint32)
    entries = np.empty(len(columns), dtype=np.uint64)
    trees = np.uint64(len(starts) - 1)
    first_inner = first_entry = first_reached = first_player = ZERO
    for first in range(ZERO, trees, TREES_AT_ONCE):
        last = min(first + TREES_AT_ONCE, trees)
        at_inner = at_entry = at_reached = at_player = ZERO
        for row in range(rows.shape[0]):
            at_inner, at_entry, at_reached = first_inner, first_entry, first_reached
            # 1
            for tree in range(first, last):
                _take_sides(forest, tree, rows[row], left)
                slots[0] = np.uint32(ALL_BITS)
                for place in range(top_starts[tree], top_starts[tree + ONE]):
                    pattern, goes_left = slots[top[place]], left[top[place]]
                    failed = pattern & top_keep[place]
                    slots[top_left[place]] = pattern if goes_left else failed
                    slots[top_right[place]] = failed if goes_left else pattern
                for subtree in range(starts[tree], starts[tree + ONE]):
                    width, inner_count = (
                        np.uint64(widths[subtree]),
                        np.uint64(inner_counts[subtree]),
                    )
                    above = (ONE << width) - ONE
                    pattern_above = np.uint64(slots[root[subtree]]) & above
                    sides = ZERO
                    for bit in range(inner_count):
                        sides |= np.uint64(left[inner[at_inner + bit]]) << bit
                    if pattern_above == above:
                        margin[row] += reached[at_reached + sides]
                    count = np.uint64(columns[subtree])
                    entry = at_entry + (pattern_above | (sides << width)) * count
                    prefetch(tables, entry)
                    prefetch(tables, entry + count - ONE)
                    entries[subtree] = entry
                    at_inner += inner_count
                    at_entry += count << (width + inner_count)
                    at_reached += ONE << inner_count
            # 2
            at_player = first_player
            for subtree in range(starts[first], starts[last]):
                entry = entries[subtree]
                for place in range(np.uint64(columns[subtree])):
                    attributions[row, players[at_player + place]] += tables[entry + place]
                at_player += np.uint64(columns[subtree])
        first_inner, first_entry = at_inner, at_entry
        first_reached, first_player = at_reached, at_player


@compiled
def distinct_patterns(patterns: Patterns) -> tuple[Starts, Patterns, Counts]:
    """Of patterns (leaves, m): where each leaf's begin (leaves + 1,), its distinct ones in rising order,
    and how many rows show each."""
    starts = np.zeros(patterns.shape[0] + 1, dtype=np.uint64)
    seen = np.empty(patterns.size, dtype=np.uint32)
    counts = np.zeros(patterns.size, dtype=np.uint32)
    end = 0
    for leaf in range(patterns.shape[0]):
        for pattern in np.sort(patterns[leaf]):
            if end == np.int64(starts[leaf]) or seen[end - 1] != pattern:
                seen[end] = pattern
                end += 1
            counts[end - 1] += 1
        starts[leaf + 1] = end
    return starts, seen[:end].copy(), counts[:end].copy()


@compiled
def add_tree_by_patterns(
    forest: Forest,
    tree: Whole,
    starts: Starts,
    seen: Patterns,
    counts: Counts,
    baseline_rows: int,
    gains: Floats,
    losses: Floats,
    rows: Floats,
    margin: Floats,
    attributions: Floats,
) -> None:
    """Add one tree to margin (n,) and attributions (n, players), pattern by pattern of the baseline."""
    leaves = len(starts) - 1
    patterns = np.empty((leaves, rows.shape[0]), dtype=np.uint32)
    show_patterns(forest, tree, rows, patterns, margin)
    for place in range(leaves):
        leaf = forest.leaf_starts[tree] + np.uint64(place)
        full = forest.full[leaf]
        begin, end = forest.player_starts[leaf], forest.player_starts[leaf + ONE]
        players = forest.leaf_players[begin:end]
        for row in range(rows.shape[0]):
            mine = patterns[place, row]
            for one in range(starts[place], starts[place + 1]):
                theirs = seen[one]
                if mine | theirs != full:
                    continue
                only_mine, only_theirs = np.int64(mine & ~theirs), np.int64(theirs & ~mine)
                a, b = _ones(only_mine), _ones(only_theirs)
                share = forest.value[leaf] * counts[one] / baseline_rows
                gain, loss = share * gains[a, b], share * losses[a, b]
                for bit in range(len(players)):
                    if (only_mine >> bit) & 1:
                        attributions[row, players[bit]] += gain
                    elif (only_theirs >> bit) & 1:
                        attributions[row, players[bit]] += loss

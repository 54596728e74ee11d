"""Trees of any library as one kind of table, with that library's own way of comparing.

Comparisons are made on doubles. Where a library casts a value to single precision before it compares,
its thresholds are replaced by the doubles that split all doubles in the very same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from registry.errors import TreesUnusable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NO_CHILD = -1


class Kind(StrEnum):
    """How a split reads a value. NaN always takes the side that `missing_left` names."""

    NUMBER = "number"  # left when not above the threshold
    ZERO_IS_MISSING = "zero_is_missing"  # the same, and 0 goes where NaN goes
    CATEGORY = "category"  # listed values leave the side that NaN takes; all others take it
    WHOLE_CATEGORY = "whole_category"  # the same, after the fraction was cut off


class Quantity(StrEnum):
    """What the sum of the leaves is."""

    LOG_ODDS = "log-odds"
    PROBABILITY = "probability"


@dataclass(frozen=True)
class Tree:
    """One binary tree of n nodes, the root first; a leaf has the children NO_CHILD.

    column, left and right: (n,) whole numbers; threshold, (n,), and value, (n,), which counts at
    leaves only; missing_left: (n,). `kinds` and `listed` name the splits that are not plain numbers.
    """

    column: Integers
    threshold: Floats
    missing_left: NDArray[np.bool_]
    left: Integers
    right: Integers
    value: Floats
    kinds: Mapping[int, Kind] = field(default_factory=dict)
    listed: Mapping[int, Floats] = field(default_factory=dict)

    def is_leaf(self, node: int) -> bool:
        return bool(self.left[node] == NO_CHILD)


@dataclass(frozen=True)
class TreeModel:
    """margin = (initial + sum of the leaves, tree by tree) / divisor, in the `quantity`.

    `single_precision`: the library adds its leaves in floats of 32 bits. `tiny_is_zero`: values of
    at most that size count as 0.
    """

    trees: tuple[Tree, ...]
    initial: float
    quantity: Quantity
    divisor: float = 1.0
    single_precision: bool = False
    tiny_is_zero: float = 0.0


def checked(tree: Tree, columns: int) -> Tree:
    """The tree, when every child lies in it, no node has two parents and every column exists.

    Raises TreesUnusable: the library that walks such a tree would read beyond its memory, or for ever.
    """
    nodes = len(tree.value)
    shapes = {
        len(part)
        for part in (tree.column, tree.threshold, tree.missing_left, tree.left, tree.right)
    }
    if nodes == 0 or shapes != {nodes}:
        raise TreesUnusable("A tree's arrays differ in length, or hold nothing.")
    seen = np.zeros(nodes, dtype=np.bool_)
    seen[0] = True
    pending = [0]
    while pending:
        node = pending.pop()
        children = (int(tree.left[node]), int(tree.right[node]))
        if tree.is_leaf(node):
            if not np.isfinite(tree.value[node]):
                raise TreesUnusable(f"Leaf {node} of a tree has no finite value.")
            continue
        for child in children:
            if not 0 <= child < nodes or seen[child]:
                raise TreesUnusable(
                    f"Node {node} of a tree leads to {child}, which is no child of it."
                )
            seen[child] = True
            pending.append(child)
        if not 0 <= tree.column[node] < columns:
            raise TreesUnusable(
                f"Node {node} of a tree reads column {tree.column[node]} of {columns}."
            )
        if node not in tree.listed and np.isnan(tree.threshold[node]):
            raise TreesUnusable(f"Node {node} of a tree compares with no number.")
    return tree


def not_above_in_single(threshold: ArrayLike) -> Floats:
    """(n,) doubles d, such that x <= d exactly where x, cast to 32 bits, is not above the threshold.

    A cast rounds to nearest, ties to even: every double up to the middle between the largest float f
    not above the threshold and the next one becomes f or less, the middle itself where f is even.
    """
    wanted = np.asarray(threshold, dtype=np.float64)
    with np.errstate(over="ignore"):
        below = wanted.astype(np.float32)
        below = np.where(
            below.astype(np.float64) > wanted, np.nextafter(below, np.float32(-np.inf)), below
        )
        above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype(np.float64) + above.astype(np.float64)) / 2
    is_even = (below.view(np.uint32) & 1) == 0
    return np.where(is_even | np.isinf(middle), middle, np.nextafter(middle, -np.inf))


def below_in_single(threshold: ArrayLike) -> Floats:
    """(n,) doubles d, such that x <= d exactly where x, cast to 32 bits, is below the 32-bit threshold."""
    floats = np.asarray(threshold, dtype=np.float32)
    with np.errstate(over="ignore"):  # nothing finite is below the lowest
        lower = np.nextafter(floats, np.float32(-np.inf))
    return not_above_in_single(lower.astype(np.float64))

"""LightGBM's model text as tables (the format is `gbdt_model_text.cpp`, the comparisons `tree.h`, of LightGBM 4).

Values and thresholds are doubles, and a value not above its threshold goes left. What NaN and 0 do is
said per split; values up to TINY in size are read as 0 before they are compared.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.errors import TreesUnusable
from registry.trees.tables import (
    NO_CHILD,
    Floats,
    Integers,
    Kind,
    Quantity,
    Tree,
    TreeModel,
    checked,
)

TINY = float(np.float32(1e-35))
_END = "\nend of trees\n"
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_NONE, _ZERO, _NAN = 0, 1, 2
_TREE = re.compile(r"^Tree=\d+\n", re.MULTILINE)


def trees_in(text: str) -> tuple[TreeModel, int]:
    """The trees of a model text and the number of columns that they take.

    Raises TreesUnusable for anything that is not a sum of trees in log-odds of one class, or for a
    text that LightGBM's own reader could not walk safely.
    """
    body, end, _ = text.partition(_END)
    if not end:
        raise TreesUnusable("The model text has no end of its trees.")
    starts = [match.start() for match in _TREE.finditer(body)]
    if not starts:
        raise TreesUnusable("The model text holds no tree.")
    header = _fields(body[: starts[0]])
    _require_binary(header)
    columns = _number(header, "max_feature_idx") + 1
    blocks = [
        body[start:stop] for start, stop in zip(starts, [*starts[1:], len(body)], strict=True)
    ]
    blocks[-1] += "\n"
    sizes = [len(block.encode()) for block in blocks]
    if header.get("tree_sizes", "").split() != [str(size) for size in sizes]:
        raise TreesUnusable("The trees of the model text do not have the sizes that it says.")
    trees = tuple(_tree(_fields(block), columns) for block in blocks)
    model = TreeModel(trees, 0.0, Quantity.LOG_ODDS, tiny_is_zero=TINY)
    return model, columns


def _require_binary(header: Mapping[str, str]) -> None:
    objective = header.get("objective", "")
    if objective != "binary sigmoid:1":
        raise TreesUnusable(
            f"The objective is {objective or 'not said'}, not binary with sigmoid 1."
        )
    if header.get("num_class") != "1" or header.get("num_tree_per_iteration") != "1":
        raise TreesUnusable("The trees tell more than two classes apart.")
    if "average_output" in header:
        raise TreesUnusable(
            "The trees are averaged, as boosting=rf does; train with boosting=gbdt."
        )


def _tree(fields: Mapping[str, str], columns: int) -> Tree:
    leaves = _number(fields, "num_leaves")
    if fields.get("is_linear", "0") != "0":
        raise TreesUnusable("The leaves hold linear models, which have no exact table.")
    splits = leaves - 1
    if splits < 0:
        raise TreesUnusable("A tree has no leaf.")
    values = _floats(fields, "leaf_value", leaves)
    if splits == 0:
        return checked(_leaf(values), columns)
    decisions = _integers(fields, "decision_type", splits)
    threshold = _floats(fields, "threshold", splits)
    missing = (decisions >> 2) & 3
    # NaN of a column that had none in training is read as 0.
    missing_left = np.where(missing == _NONE, threshold >= 0, (decisions & _DEFAULT_LEFT) > 0)
    is_category = (decisions & _CATEGORICAL) > 0
    missing_left[is_category] = False
    kinds = dict.fromkeys((int(n) for n in np.flatnonzero(missing == _ZERO)), Kind.ZERO_IS_MISSING)
    listed = _categories(fields, np.flatnonzero(is_category), threshold)
    kinds |= dict.fromkeys(listed, Kind.WHOLE_CATEGORY)
    empty = np.zeros(leaves)
    found = Tree(
        column=np.concatenate([_integers(fields, "split_feature", splits), empty.astype(np.int64)]),
        threshold=np.concatenate([threshold, empty]),
        missing_left=np.concatenate([missing_left, empty.astype(np.bool_)]),
        left=_children(_integers(fields, "left_child", splits), leaves),
        right=_children(_integers(fields, "right_child", splits), leaves),
        value=np.concatenate([np.zeros(splits), values]),
        kinds=kinds,
        listed=listed,
    )
    return checked(found, columns)


def _leaf(values: Floats) -> Tree:
    nowhere = np.array([NO_CHILD])
    return Tree(
        column=np.zeros(1, dtype=np.int64),
        threshold=np.zeros(1),
        missing_left=np.zeros(1, dtype=np.bool_),
        left=nowhere,
        right=nowhere,
        value=values,
    )


def _children(children: Integers, leaves: int) -> Integers:
    """Children as nodes of one table, splits first: LightGBM writes leaf k as -k - 1."""
    nodes = np.where(children < 0, len(children) - children - 1, children)
    # A split that names a split beyond the last one must not land on a leaf.
    nodes = np.where(children >= len(children), len(children) + leaves, nodes)
    return np.concatenate([nodes, np.full(leaves, NO_CHILD)])


def _categories(
    fields: Mapping[str, str], splits: Integers, threshold: Floats
) -> dict[int, Floats]:
    """Per split on categories, those that go left: bits of 32-bit words, from one boundary to the next."""
    if _number(fields, "num_cat") == 0:
        if len(splits):
            raise TreesUnusable("A tree splits on categories that it does not list.")
        return {}
    count = _number(fields, "num_cat")
    boundaries = _integers(fields, "cat_boundaries", count + 1)
    words = _integers(fields, "cat_threshold", int(boundaries[-1]))
    if boundaries[0] != 0 or (np.diff(boundaries) < 0).any():
        raise TreesUnusable("The lists of categories of a tree overlap.")
    listed = {}
    for split in splits:
        place = int(threshold[split])
        if not 0 <= place < count:
            raise TreesUnusable("A tree splits on categories that it does not list.")
        own = words[boundaries[place] : boundaries[place + 1]].astype(np.uint32)
        bits = np.unpackbits(own.view(np.uint8), bitorder="little")
        listed[int(split)] = np.flatnonzero(bits).astype(np.float64)
    return listed


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.splitlines() if line)
    fields: dict[str, str] = {}
    for name, _, value in pairs:
        if name in fields:
            raise TreesUnusable(f"The model text says {name} twice.")
        fields[name] = value
    return fields


def _number(fields: Mapping[str, str], name: str) -> int:
    return int(_integers(fields, name, 1)[0])


def _integers(fields: Mapping[str, str], name: str, count: int) -> Integers:
    return _numbers(fields, name, count, np.int64)


def _floats(fields: Mapping[str, str], name: str, count: int) -> Floats:
    return _numbers(fields, name, count, np.float64)


def _numbers(
    fields: Mapping[str, str], name: str, count: int, dtype: type[np.generic]
) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.array(fields[name].split(), dtype=dtype)
    except (KeyError, ValueError, OverflowError):
        raise TreesUnusable(f"The model text's {name} cannot be read.") from None
    if len(found) != count:
        raise TreesUnusable(f"The model text's {name} has {len(found)} numbers instead of {count}.")
    return found

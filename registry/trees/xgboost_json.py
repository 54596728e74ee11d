"""XGBoost's JSON model as tables (the schema is `doc/model.schema` of XGBoost 3).

Values and thresholds are floats of 32 bits, and a value *below* its threshold goes left; NaN goes where
`default_left` says.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from registry.errors import TreesUnusable
from registry.trees.tables import NO_CHILD, Quantity, Tree, TreeModel, below_in_single, checked


def trees_in(document: Mapping[str, Any]) -> tuple[TreeModel, int]:
    """The trees of a model document and the number of columns that they take.

    Raises TreesUnusable for anything that is not a plain sum of trees in log-odds of one class.
    """
    try:
        return _trees_in(document["learner"])
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as problem:
        raise TreesUnusable(
            f"The document is not of XGBoost's model schema: {type(problem).__name__} at {problem}."
        ) from None


def _trees_in(learner: Mapping[str, Any]) -> tuple[TreeModel, int]:
    booster, general = learner["gradient_booster"], learner["learner_model_param"]
    if learner["objective"]["name"] != "binary:logistic":
        raise TreesUnusable(
            f"The objective is {learner['objective']['name']}, not binary:logistic."
        )
    if booster["name"] != "gbtree":
        raise TreesUnusable(f"The booster is {booster['name']}, not gbtree.")
    if int(general["num_class"]) > 1 or int(general.get("num_target", 1)) != 1:
        raise TreesUnusable("The trees tell more than two classes apart.")
    if "best_iteration" in learner.get("attributes", {}):
        raise TreesUnusable(
            "Training was stopped early, and the model holds the trees after its best iteration too:"
            " save booster[: best_iteration + 1], without its attributes."
        )
    columns = int(general["num_feature"])
    trees = tuple(_tree(tree, columns) for tree in booster["model"]["trees"])
    if not trees:
        raise TreesUnusable("The model holds no tree.")
    base = float(np.float32(general["base_score"].strip("[]")))
    if not 0 < base < 1:
        raise TreesUnusable("The base score is no probability.")
    model = TreeModel(trees, math.log(base / (1 - base)), Quantity.LOG_ODDS, single_precision=True)
    return model, columns


def _tree(tree: Mapping[str, Any], columns: int) -> Tree:
    if any(tree["split_type"]) or any(tree["categories"]):
        raise TreesUnusable(
            "The trees split on native categories; train on the contract's columns instead."
        )
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise TreesUnusable("The leaves of a tree hold more than one value.")
    left = np.array(tree["left_children"], dtype=np.int64)
    is_leaf = left == NO_CHILD
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    if len(left) != int(tree["tree_param"]["num_nodes"]) or conditions.shape != left.shape:
        raise TreesUnusable("A tree's arrays differ in length.")
    threshold = np.zeros(len(left))
    threshold[~is_leaf] = below_in_single(conditions[~is_leaf])
    found = Tree(
        column=np.array(tree["split_indices"], dtype=np.int64),
        threshold=threshold,
        missing_left=np.array(tree["default_left"], dtype=np.bool_),
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        value=conditions.astype(np.float64),
    )
    return checked(found, columns)

"""The trees of scikit-learn's estimators as tables.

Histogram gradient boosting compares doubles; every other tree of scikit-learn casts its values to
single precision and compares them with a threshold in double precision.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

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
    not_above_in_single,
)

TREES = (
    HistGradientBoostingClassifier,
    GradientBoostingClassifier,
    DecisionTreeClassifier,
    RandomForestClassifier,
    ExtraTreesClassifier,
)


def trees_of(estimator: BaseEstimator) -> TreeModel:
    """The trees of a fitted classifier of TREES that tells good (0) from bad (1). Raises TreesUnusable."""
    if len(estimator.classes_) != 2:
        raise TreesUnusable("The trees tell more than two classes apart.")
    match estimator:
        case HistGradientBoostingClassifier():
            return _histogram(estimator)
        case GradientBoostingClassifier():
            return _boosted(estimator)
        case RandomForestClassifier() | ExtraTreesClassifier():
            return _averaged(list(estimator.estimators_), estimator.n_features_in_)
        case DecisionTreeClassifier() | ExtraTreeClassifier():
            return _averaged([estimator], estimator.n_features_in_)
    raise TreesUnusable(f"A {type(estimator).__name__} is made of no trees that we know.")


def _averaged(members: list[Any], columns: int) -> TreeModel:
    """A forest gives the mean over its trees of the share of bads in the leaf reached."""
    trees = tuple(
        _classic(member.tree_, _shares_of_bad(member.tree_), columns) for member in members
    )
    return TreeModel(trees, 0.0, Quantity.PROBABILITY, divisor=float(len(trees)))


def _boosted(estimator: GradientBoostingClassifier) -> TreeModel:
    if estimator.loss != "log_loss":
        raise TreesUnusable(f"The trees were boosted with the loss {estimator.loss}, not log_loss.")
    if estimator.init_ == "zero":
        initial = 0.0
    elif isinstance(estimator.init_, DummyClassifier) and estimator.init_.strategy == "prior":
        # What scikit-learn itself starts from: it looks at no value of the row.
        initial = float(estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_)))[0, 0])
    else:
        raise TreesUnusable("The boosting starts from an estimator of its own.")
    members = [stage[0].tree_ for stage in estimator.estimators_]
    trees = tuple(
        _classic(member, estimator.learning_rate * member.value[:, 0, 0], estimator.n_features_in_)
        for member in members
    )
    return TreeModel(trees, initial, Quantity.LOG_ODDS)


def _shares_of_bad(tree: Any) -> Floats:
    if tree.value.shape[1:] != (1, 2):
        raise TreesUnusable("A tree of the forest tells other than two classes apart.")
    return np.asarray(tree.value[:, 0, 1], dtype=np.float64)


def _classic(tree: Any, value: Floats, columns: int) -> Tree:
    left = np.asarray(tree.children_left, dtype=np.int64)
    is_leaf = left == NO_CHILD
    threshold = np.zeros(len(left))
    threshold[~is_leaf] = not_above_in_single(tree.threshold[~is_leaf])
    found = Tree(
        column=np.asarray(tree.feature, dtype=np.int64),
        threshold=threshold,
        missing_left=np.asarray(tree.missing_go_to_left, dtype=np.bool_),
        left=left,
        right=np.asarray(tree.children_right, dtype=np.int64),
        value=value,
    )
    return checked(found, columns)


def _histogram(estimator: HistGradientBoostingClassifier) -> TreeModel:
    if estimator.n_trees_per_iteration_ != 1:
        raise TreesUnusable("The trees tell more than two classes apart.")
    original, categories = _columns(estimator)
    trees = tuple(
        _histogram_tree(
            predictors[0].nodes, predictors[0].raw_left_cat_bitsets, original, categories
        )
        for predictors in estimator._predictors
    )
    return TreeModel(trees, float(estimator._baseline_prediction[0, 0]), Quantity.LOG_ODDS)


def _columns(estimator: HistGradientBoostingClassifier) -> tuple[Integers, list[Floats]]:
    """Which column of the matrix each column of the trees is, and what the codes of the first ones mean.

    With native categories scikit-learn puts their columns first and numbers their values.
    """
    if estimator._preprocessor is None:
        return np.arange(estimator.n_features_in_), []
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    is_category = np.asarray(estimator.is_categorical_, dtype=np.bool_)
    if (
        len(is_category) != estimator.n_features_in_
        or len(encoder.categories_) != is_category.sum()
    ):
        raise TreesUnusable("The encoder of the native categories does not fit their columns.")
    original = np.concatenate([np.flatnonzero(is_category), np.flatnonzero(~is_category)])
    try:
        return original, [np.asarray(known, dtype=np.float64) for known in encoder.categories_]
    except ValueError:
        raise TreesUnusable("The native categories are texts; a matrix holds numbers.") from None


def _histogram_tree(
    nodes: NDArray[Any], bitsets: NDArray[np.uint32], original: Integers, categories: list[Floats]
) -> Tree:
    is_leaf = nodes["is_leaf"].astype(np.bool_)
    missing_left = nodes["missing_go_to_left"].astype(np.bool_)
    feature = nodes["feature_idx"].astype(np.int64)
    if not ((feature[~is_leaf] >= 0) & (feature[~is_leaf] < len(original))).all():
        raise TreesUnusable("A tree reads columns beyond the matrix.")
    listed = {}
    for node in np.flatnonzero(~is_leaf & nodes["is_categorical"].astype(np.bool_)):
        bitset = int(nodes[node]["bitset_idx"])
        if feature[node] >= len(categories) or bitset >= len(bitsets):
            raise TreesUnusable("A tree splits on categories that nothing explains.")
        known = categories[feature[node]]
        goes_left = np.array(
            [_holds(bitsets[bitset], code) for code in range(len(known))], dtype=bool
        )
        leaving = ~goes_left if missing_left[node] else goes_left
        listed[int(node)] = np.sort(known[leaving & ~np.isnan(known)])
    found = Tree(
        column=original[np.where(is_leaf, 0, feature)],
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=missing_left,
        left=np.where(is_leaf, NO_CHILD, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, NO_CHILD, nodes["right"].astype(np.int64)),
        value=nodes["value"].astype(np.float64),
        kinds=dict.fromkeys(listed, Kind.CATEGORY),
        listed=listed,
    )
    return checked(found, len(original))


def _holds(bitset: NDArray[np.uint32], code: int) -> bool:
    word, bit = divmod(code, 32)
    return word < len(bitset) and bool((int(bitset[word]) >> bit) & 1)

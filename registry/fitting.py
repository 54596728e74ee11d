"""Each algorithm of `registry.algorithms`, fitted by its library."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from registry.algorithms import (
    CALIBRATION,
    DECISION_TREE,
    EXTRA_TREES,
    GRADIENT_BOOSTING,
    HIST_GRADIENT_BOOSTING,
    LIGHTGBM,
    LOGISTIC_REGRESSION,
    RANDOM_FOREST,
    XGBOOST,
)
from registry.artefacts.boosters import LightGBMModel, XGBoostModel, load_xgboost
from registry.extras import required

CALIBRATION_FOLDS = 5
SMALLEST_LEAF = 20  # rows of a single tree's leaf unless asked: a leaf of few rows says 0 or 1
SHALLOW = 6  # levels of a tree unless asked: deeper ones soon have no room for leaf tables, and cost more to explain


def fitted(
    algorithm: str,
    params: Mapping[str, Any],
    matrix: NDArray[np.float64],
    bad: NDArray[np.int64],
    seed: int,
    directions: Sequence[int] | None,
) -> BaseEstimator:
    """The algorithm fitted to matrix (n, p) and labels (n,); directions (p,) are 1, -1 or 0 per column."""
    if algorithm == LIGHTGBM:
        return _lightgbm(params, matrix, bad, seed, directions)
    if algorithm == XGBOOST:
        return _xgboost(params, matrix, bad, seed, directions)
    rest = {name: value for name, value in params.items() if name != CALIBRATION}
    estimator = _UNFITTED[algorithm](rest, seed, None if directions is None else list(directions))
    if CALIBRATION in params:
        # The curve is fitted to scores of rows that their classifier did not see; the one classifier
        # that it then stands on is fitted to all rows.
        estimator = CalibratedClassifierCV(
            estimator, method=params[CALIBRATION], cv=CALIBRATION_FOLDS, ensemble=False
        )
    return estimator.fit(matrix, bad)


def _logistic_regression(params: dict[str, Any], _: int, __: object) -> BaseEstimator:
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("classify", LogisticRegression(**{"max_iter": 2000, **params})),
        ]
    )


def _gradient_boosting(params: dict[str, Any], seed: int, _: object) -> BaseEstimator:
    """scikit-learn's takes no missing values and no directions, so medians stand for the first."""
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("classify", GradientBoostingClassifier(random_state=seed, **params)),
        ]
    )


def _hist_gradient_boosting(params: dict[str, Any], seed: int, directions: Any) -> BaseEstimator:
    return HistGradientBoostingClassifier(
        random_state=seed, early_stopping=False, monotonic_cst=directions, **params
    )


def _decision_tree(params: dict[str, Any], seed: int, directions: Any) -> BaseEstimator:
    return DecisionTreeClassifier(
        random_state=seed,
        monotonic_cst=directions,
        **{"max_depth": SHALLOW, "min_samples_leaf": SMALLEST_LEAF, **params},
    )


def _random_forest(params: dict[str, Any], seed: int, directions: Any) -> BaseEstimator:
    return RandomForestClassifier(
        random_state=seed, monotonic_cst=directions, **{"max_depth": SHALLOW, **params}
    )


def _extra_trees(params: dict[str, Any], seed: int, directions: Any) -> BaseEstimator:
    return ExtraTreesClassifier(
        random_state=seed, monotonic_cst=directions, **{"max_depth": SHALLOW, **params}
    )


_UNFITTED: Mapping[str, Callable[[dict[str, Any], int, Any], BaseEstimator]] = {
    LOGISTIC_REGRESSION: _logistic_regression,
    DECISION_TREE: _decision_tree,
    RANDOM_FOREST: _random_forest,
    EXTRA_TREES: _extra_trees,
    GRADIENT_BOOSTING: _gradient_boosting,
    HIST_GRADIENT_BOOSTING: _hist_gradient_boosting,
}


def _lightgbm(
    params: Mapping[str, Any],
    matrix: NDArray[np.float64],
    bad: NDArray[np.int64],
    seed: int,
    directions: Sequence[int] | None,
) -> LightGBMModel:
    lightgbm = required(LIGHTGBM)
    settings = {
        "objective": "binary",
        "num_iterations": 100,
        "max_depth": SHALLOW,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
        **params,
    }
    if directions is not None and any(directions):
        settings["monotone_constraints"] = list(directions)
    rounds = settings.pop("num_iterations")
    rows = lightgbm.Dataset(matrix, bad, params={"verbosity": -1, "num_threads": 1})
    return LightGBMModel(lightgbm.train(settings, rows, rounds).model_to_string())


def _xgboost(
    params: Mapping[str, Any],
    matrix: NDArray[np.float64],
    bad: NDArray[np.int64],
    seed: int,
    directions: Sequence[int] | None,
) -> XGBoostModel:
    xgboost = required(XGBOOST)
    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": SHALLOW,
        "seed": seed,
        "nthread": 1,
        **params,
    }
    if directions is not None and any(directions):
        settings["monotone_constraints"] = tuple(directions)
    rounds = settings.pop("n_estimators", 100)
    booster = xgboost.train(settings, xgboost.DMatrix(matrix, bad, nthread=1), rounds)
    return load_xgboost(bytes(booster.save_raw("json")))

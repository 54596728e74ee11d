"""The algorithms that a run may train with, and the parameters that each may be given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

from audit.errors import FieldProblem
from registry.artefacts.boosters import LightGBMModel, XGBoostModel, load_xgboost, required
from registry.errors import ParamsRefused

LOGISTIC_REGRESSION = "logistic_regression"
DECISION_TREE = "decision_tree"
RANDOM_FOREST = "random_forest"
EXTRA_TREES = "extra_trees"
GRADIENT_BOOSTING = "gradient_boosting"
HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
LIGHTGBM = "lightgbm"
XGBOOST = "xgboost"

CALIBRATION = "calibration"
CALIBRATION_FOLDS = 5
SMALLEST_LEAF = 20  # rows of a single tree's leaf unless asked: a leaf of few rows says 0 or 1
SHALLOW = 6  # levels of a tree unless asked: deeper ones soon have no room for leaf tables, and cost more to explain


@dataclass(frozen=True, slots=True)
class Param:
    """One numeric parameter that a run may set, with its inclusive range."""

    type: type[int] | type[float]
    minimum: float
    maximum: float

    def fault(self, value: object) -> str | None:
        """What is wrong with the value; None for nothing."""
        accepted = (int,) if self.type is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, accepted):
            return "Must be a whole number." if self.type is int else "Must be a number."
        if not self.minimum <= value <= self.maximum:
            return f"Must be from {self.minimum:g} to {self.maximum:g}."
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """One parameter that a run may set to one of these words."""

    words: tuple[str, ...]

    def fault(self, value: object) -> str | None:
        return None if value in self.words else f"Must be {' or '.join(self.words)}."


_CALIBRATED = {CALIBRATION: Choice(("sigmoid", "isotonic"))}
_RATE, _TREES, _LEAF = Param(float, 1e-4, 1.0), Param(int, 1, 5_000), Param(int, 1, 100_000)
_DEPTH, _PENALTY, _SHARE = Param(int, 1, 32), Param(float, 0.0, 1e6), Param(float, 0.01, 1.0)
_FOREST: Mapping[str, Param | Choice] = {
    "n_estimators": _TREES,
    "max_depth": _DEPTH,
    "min_samples_leaf": _LEAF,
    "max_features": _SHARE,
    **_CALIBRATED,
}

PARAMS: Mapping[str, Mapping[str, Param | Choice]] = {
    LOGISTIC_REGRESSION: {
        "C": Param(float, 1e-6, 1e6),
        "max_iter": Param(int, 10, 100_000),
        **_CALIBRATED,
    },
    DECISION_TREE: {"max_depth": _DEPTH, "min_samples_leaf": _LEAF, **_CALIBRATED},
    RANDOM_FOREST: _FOREST,
    EXTRA_TREES: _FOREST,
    GRADIENT_BOOSTING: {
        "learning_rate": _RATE,
        "n_estimators": _TREES,
        "max_depth": _DEPTH,
        "min_samples_leaf": _LEAF,
        "subsample": _SHARE,
        **_CALIBRATED,
    },
    HIST_GRADIENT_BOOSTING: {
        "learning_rate": _RATE,
        "max_iter": _TREES,
        "max_leaf_nodes": Param(int, 2, 255),
        "max_depth": _DEPTH,
        "min_samples_leaf": _LEAF,
        "l2_regularization": _PENALTY,
        "max_bins": Param(int, 2, 255),
        **_CALIBRATED,
    },
    LIGHTGBM: {
        "learning_rate": _RATE,
        "num_iterations": _TREES,
        "num_leaves": Param(int, 2, 255),
        "max_depth": _DEPTH,
        "min_data_in_leaf": _LEAF,
        "lambda_l2": _PENALTY,
        "max_bin": Param(int, 2, 255),
    },
    XGBOOST: {
        "learning_rate": _RATE,
        "n_estimators": _TREES,
        "max_depth": _DEPTH,
        "min_child_weight": Param(float, 0.0, 1e5),
        "reg_lambda": _PENALTY,
        "max_bin": Param(int, 2, 255),
    },
}
ALGORITHMS = tuple(PARAMS)


def require_params(algorithm: str, params: Mapping[str, object]) -> None:
    """Raises ParamsRefused naming every parameter that a run of the algorithm cannot have, and
    ExtraMissing for an algorithm of a library that is not installed."""
    if algorithm not in PARAMS:
        raise ParamsRefused(
            f"{algorithm!r} is not an algorithm of this registry.",
            errors=[FieldProblem("algorithm", "unknown", f"Known are {', '.join(ALGORITHMS)}.")],
        )
    known = PARAMS[algorithm]
    problems = [
        FieldProblem(f"params.{name}", "malformed", fault)
        for name, value in params.items()
        if (fault := known[name].fault(value) if name in known else _unknown(known))
    ]
    if problems:
        raise ParamsRefused("The parameters cannot be used; see `errors`.", errors=problems)
    if algorithm in (LIGHTGBM, XGBOOST):
        required(algorithm)


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


def _unknown(known: Mapping[str, object]) -> str:
    return f"Unknown parameter; known are {', '.join(known)}."


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

"""The algorithms that a run may train with, and the parameters that each may be given."""

from collections.abc import Mapping
from dataclasses import dataclass

from audit.errors import FieldProblem
from registry.errors import ParamsRefused
from registry.extras import required

LOGISTIC_REGRESSION = "logistic_regression"
DECISION_TREE = "decision_tree"
RANDOM_FOREST = "random_forest"
EXTRA_TREES = "extra_trees"
GRADIENT_BOOSTING = "gradient_boosting"
HIST_GRADIENT_BOOSTING = "hist_gradient_boosting"
LIGHTGBM = "lightgbm"
XGBOOST = "xgboost"

CALIBRATION = "calibration"


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


def _unknown(known: Mapping[str, object]) -> str:
    return f"Unknown parameter; known are {', '.join(known)}."

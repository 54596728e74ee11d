"""What scikit-learn's fitted parts hold, as plain numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.preprocessing import StandardScaler

from serving.explainers.calibrating import below_isotonic, under_sigmoid
from serving.explainers.linear import LinearScorer, compile_linear
from serving.explainers.preparing import Preparation
from serving.explainers.scores import Floats, Integers, Scorer, UnsupportedEstimator


def linear_scorer(
    regression: LogisticRegression | SGDClassifier,
    preparation: Preparation,
    players: Integers,
    baseline: Floats,
) -> LinearScorer:
    """The model behind what prepares its rows. Raises UnsupportedEstimator for a model that gives no log-odds."""
    if isinstance(regression, SGDClassifier) and regression.loss != "log_loss":
        raise UnsupportedEstimator(f"A linear model of {regression.loss} gives no log-odds.")
    weights, constant = regression.coef_[0], regression.intercept_[0]
    return compile_linear(weights, constant, preparation, players, baseline)


def calibrated_part(estimator: CalibratedClassifierCV) -> tuple[BaseEstimator, BaseEstimator]:
    """The one classifier and the one curve over it. Raises UnsupportedEstimator where they are several."""
    members = estimator.calibrated_classifiers_
    if len(members) != 1:
        raise UnsupportedEstimator(
            f"The mean of {len(members)} calibrated classifiers has no margin that adds up:"
            " calibrate with ensemble=False."
        )
    if estimator.method not in ("sigmoid", "isotonic"):
        raise UnsupportedEstimator(f"A calibration by {estimator.method} is none that we explain.")
    return members[0].estimator, members[0].calibrators[0]


def calibrated_scorer(curve: BaseEstimator, inner: Scorer, baseline_rows: int) -> Scorer:
    """The scorer below under the curve."""
    if isinstance(curve, IsotonicRegression):
        steps = (
            np.asarray(curve.X_thresholds_, dtype=np.float64),
            np.asarray(curve.y_thresholds_, dtype=np.float64),
        )
        return below_isotonic(inner, steps, baseline_rows)
    return under_sigmoid(inner, float(curve.a_), float(curve.b_), baseline_rows)


def preparation_of(steps: Sequence[BaseEstimator], columns: int) -> Preparation:
    """Of the steps before the model: an imputer, a scaler, both in that order, or none.

    Raises UnsupportedEstimator.
    """
    filling = np.full(columns, np.nan)
    kept = np.ones(columns, dtype=np.bool_)
    rest = list(steps)
    if rest and isinstance(rest[0], SimpleImputer):
        filling, kept = _of_imputer(rest.pop(0))
    mean, scale = np.zeros(int(kept.sum())), np.ones(int(kept.sum()))
    if rest and isinstance(rest[0], StandardScaler):
        mean, scale = _of_scaler(rest.pop(0))
    if rest:
        names = ", ".join(type(step).__name__ for step in steps)
        raise UnsupportedEstimator(
            f"A pipeline that begins with {names} is none that we explain exactly."
        )
    return Preparation(filling, kept, mean, scale)


def _of_imputer(imputer: SimpleImputer) -> tuple[Floats, NDArray[np.bool_]]:
    if imputer.add_indicator:
        raise UnsupportedEstimator("The imputer adds columns that the contract does not know.")
    if not np.isnan(imputer.missing_values):
        raise UnsupportedEstimator("The imputer looks for another missing value than NaN.")
    learned = np.asarray(imputer.statistics_, dtype=np.float64)
    # A column that was never filled in training is dropped, or kept and filled with 0.
    kept = ~np.isnan(learned) | imputer.keep_empty_features
    return np.nan_to_num(learned), kept


def _of_scaler(scaler: StandardScaler) -> tuple[Floats, Floats]:
    if not (scaler.with_mean and scaler.with_std):
        raise UnsupportedEstimator("The scaler was told not to centre or not to scale.")
    return np.asarray(scaler.mean_), np.asarray(scaler.scale_)

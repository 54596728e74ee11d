"""Logistic regression: attributions in closed form."""

from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from serving.explainers.compiled import compiled
from serving.explainers.scores import (
    Floats,
    Integers,
    Scores,
    UnsupportedEstimator,
    gathered_scores,
)


@dataclass(frozen=True)
class LinearScorer:
    """A pipeline of median imputer, standard scaler and logistic regression, collapsed.

    coefficients, filling and centre: (p,), per matrix column in the column's own unit: log-odds
    per unit, the value that stands for a missing one, the mean over the baseline.
    """

    coefficients: Floats
    filling: Floats
    centre: Floats
    intercept: float
    players: Integers
    base_value: float
    method: str

    def score(self, matrix: Floats) -> Scores:
        """Score n applicants, matrix (n, p). The attribution of a player is the sum over its
        columns of coefficient x (value - baseline mean): its interventional Shapley value, exact
        because the model is additive."""
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        margin = np.empty(len(rows))
        attributions = np.zeros((len(rows), int(self.players.max()) + 1))
        _score_rows(
            rows,
            self.coefficients,
            self.filling,
            self.centre,
            self.intercept,
            self.players,
            margin,
            attributions,
        )
        return gathered_scores(margin, attributions, self.base_value)


def compile_linear(estimator: Pipeline, players: Integers, baseline: Floats) -> LinearScorer:
    """Collapse the pipeline against the baseline matrix (m, p). Raises UnsupportedEstimator."""
    imputer, scaler, regression = _steps_of(estimator)
    learned = np.asarray(imputer.statistics_, dtype=np.float64)
    # A column that was never filled in training is dropped, or kept and filled with 0.
    kept = ~np.isnan(learned) | imputer.keep_empty_features
    coefficients = np.zeros(len(learned))
    coefficients[kept] = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - coefficients[kept] @ scaler.mean_)
    filling = np.nan_to_num(learned)

    filled = np.where(np.isnan(baseline), filling, baseline)
    centre = np.asarray(filled.mean(axis=0), dtype=np.float64)
    return LinearScorer(
        coefficients=coefficients,
        filling=filling,
        centre=centre,
        intercept=intercept,
        players=players,
        base_value=float(intercept + coefficients @ centre),
        method=f"interventional Shapley values, linear closed form, baseline of {len(baseline)} rows",
    )


def _steps_of(
    estimator: Pipeline,
) -> tuple[SimpleImputer, StandardScaler, LogisticRegression]:
    steps = [step for _, step in estimator.steps]
    match steps:
        case [SimpleImputer() as imputer, StandardScaler() as scaler, LogisticRegression() as last]:
            pass
        case _:
            names = ", ".join(type(step).__name__ for step in steps)
            raise UnsupportedEstimator(f"A pipeline of {names} is none that we explain exactly.")
    if imputer.add_indicator:
        raise UnsupportedEstimator("The imputer adds columns that the contract does not know.")
    if not np.isnan(imputer.missing_values):
        raise UnsupportedEstimator("The imputer looks for another missing value than NaN.")
    if not (scaler.with_mean and scaler.with_std):
        raise UnsupportedEstimator("The scaler was told not to centre or not to scale.")
    return imputer, scaler, last


@compiled
def _score_rows(
    rows: Floats,
    coefficients: Floats,
    filling: Floats,
    centre: Floats,
    intercept: float,
    players: Integers,
    margin: Floats,
    attributions: Floats,
) -> None:
    for row in range(rows.shape[0]):
        total = intercept
        for column in range(rows.shape[1]):
            value = rows[row, column]
            if np.isnan(value):
                value = filling[column]
            total += coefficients[column] * value
            attributions[row, players[column]] += coefficients[column] * (value - centre[column])
        margin[row] = total

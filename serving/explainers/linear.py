"""Linear models: attributions in closed form."""

from dataclasses import dataclass

import numpy as np

from serving.explainers.compiled import compiled
from serving.explainers.preparing import Preparation
from serving.explainers.scores import (
    Floats,
    Integers,
    Link,
    Means,
    Output,
    Scores,
    gathered_scores,
    method_of,
)


@dataclass(frozen=True)
class LinearScorer:
    """A linear model and the imputer and scaler before it, collapsed.

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
        return gathered_scores(margin, attributions, self.base_value, Link())


def compile_linear(
    weights: Floats,
    constant: float,
    preparation: Preparation,
    players: Integers,
    baseline: Floats,
) -> LinearScorer:
    """Collapse the model, weights (kept,) and a constant, and what prepares its rows against the baseline matrix (m, p)."""
    kept = preparation.kept
    coefficients = np.zeros(len(kept))
    coefficients[kept] = weights / preparation.scale
    intercept = float(constant - coefficients[kept] @ preparation.mean)

    filled = np.where(np.isnan(baseline), preparation.filling, baseline)
    centre = np.asarray(filled.mean(axis=0), dtype=np.float64)
    return LinearScorer(
        coefficients=coefficients,
        filling=preparation.filling,
        centre=centre,
        intercept=intercept,
        players=players,
        base_value=float(intercept + coefficients @ centre),
        method=method_of(Output.LOG_ODDS, Means.CLOSED_FORM, len(baseline)),
    )


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

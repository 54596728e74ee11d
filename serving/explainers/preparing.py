"""What a pipeline does to its columns, each on its own, before the model sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from serving.explainers.scores import Floats, Integers, Scorer, Scores, UnsupportedEstimator


@dataclass(frozen=True)
class Preparation:
    """Missing values filled, columns without values dropped, the rest centred and scaled.

    filling: (p,), NaN where nothing fills. kept: (p,). mean and scale: per kept column.
    """

    filling: Floats
    kept: NDArray[np.bool_]
    mean: Floats
    scale: Floats

    def rows(self, matrix: Floats) -> Floats:
        """(n, kept) from the matrix (n, p), by the very operations of scikit-learn's steps."""
        filled = np.where(np.isnan(matrix), self.filling, matrix)[:, self.kept]
        return np.ascontiguousarray((filled - self.mean) / self.scale)


@dataclass(frozen=True)
class PreparedScorer:
    """A scorer of prepared columns, for rows as they come. Each column still belongs to its player."""

    preparation: Preparation
    inner: Scorer

    @property
    def method(self) -> str:
        return self.inner.method

    @property
    def base_value(self) -> float:
        return self.inner.base_value

    def score(self, matrix: Floats) -> Scores:
        return self.inner.score(self.preparation.rows(matrix))


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


def players_of(kept: NDArray[np.bool_], players: Integers) -> Integers:
    """The player of each kept column. Raises UnsupportedEstimator where the last player has none."""
    remaining = players[kept]
    if not len(remaining) or remaining.max() != players.max():
        raise UnsupportedEstimator("The imputer drops the column of a feature that had no value.")
    return remaining


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

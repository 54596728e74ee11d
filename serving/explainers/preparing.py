"""What a pipeline does to its columns, each on its own, before the model sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


def players_of(kept: NDArray[np.bool_], players: Integers) -> Integers:
    """The player of each kept column. Raises UnsupportedEstimator where the last player has none."""
    remaining = players[kept]
    if not len(remaining) or remaining.max() != players.max():
        raise UnsupportedEstimator("The imputer drops the column of a feature that had no value.")
    return remaining

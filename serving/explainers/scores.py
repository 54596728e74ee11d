"""What a scorer answers, and what can go wrong while one is made."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Scores:
    """Margins and attributions of n applicants over k players, from one pass.

    margin: (n,) log-odds of bad. attributions: (n, k) log-odds. base_value: mean margin of the
    baseline. additivity_gap: (n,) base_value + sum of attributions - margin.
    """

    margin: Floats
    attributions: Floats
    base_value: float
    additivity_gap: Floats

    @property
    def pd(self) -> Floats:
        """Probability of bad, (n,), 0 to 1."""
        return np.asarray(expit(self.margin), dtype=np.float64)


class Scorer(Protocol):
    """A model and its baseline made ready to score; `method` says what the attributions are."""

    @property
    def method(self) -> str: ...

    @property
    def base_value(self) -> float: ...

    def score(self, matrix: Floats) -> Scores:
        """Score n applicants: matrix (n, p), one row each, missing values as NaN."""
        ...


class ScorerUnusable(ValueError):
    """No exact scorer can be made of this model; the message says why."""


class UnsupportedEstimator(ScorerUnusable):
    """The estimator, or an option it was trained with, is none that we explain exactly."""


class TablesTooLarge(ScorerUnusable):
    """The leaf tables of the trees would need more memory than allowed."""


class ScorerDisagrees(ScorerUnusable):
    """The compiled scorer and the estimator do not give the same margins."""


def gathered_scores(margin: Floats, attributions: Floats, base_value: float) -> Scores:
    """Scores with their additivity gap: NaN where a margin was too large for a double."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = base_value + attributions.sum(axis=1) - margin
    return Scores(margin, attributions, base_value, gap)

"""What a scorer answers, and what can go wrong while one is made."""

from dataclasses import dataclass
from enum import StrEnum
from math import exp
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.explainers.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


class Output(StrEnum):
    """What a margin, its base value and its attributions are: the scale on which the model is a sum."""

    LOG_ODDS = "log_odds_bad"
    PROBABILITY = "probability_bad"
    UNCALIBRATED_LOG_ODDS = "uncalibrated_log_odds_bad"
    UNCALIBRATED_PROBABILITY = "uncalibrated_probability_bad"

    @property
    def words(self) -> str:
        """The unit, as a table's head says it."""
        return _WORDS[self]


_WORDS = {
    Output.LOG_ODDS: "Log-odds of bad",
    Output.PROBABILITY: "Probability of bad",
    Output.UNCALIBRATED_LOG_ODDS: "Log-odds of bad before calibration",
    Output.UNCALIBRATED_PROBABILITY: "Probability of bad before calibration",
}
SHAPLEY = "interventional Shapley values"
_OF = {
    Output.LOG_ODDS: "",
    Output.PROBABILITY: " of the probability of bad",
    Output.UNCALIBRATED_LOG_ODDS: " of the log-odds before calibration",
    Output.UNCALIBRATED_PROBABILITY: " of the probability before calibration",
}


class Means(StrEnum):
    """By which way attributions are found: always the same values, but for rounding."""

    CLOSED_FORM = "linear closed form"
    TABLES = "collapsed leaf tables"
    PATTERNS = "leaf patterns"
    WALKS = "baseline walks"


def method_of(output: Output, means: Means, baseline_rows: int, calibration: str = "") -> str:
    """The words that a decision keeps about its attributions."""
    how = f"{means} {calibration}".rstrip()
    return f"{SHAPLEY}{_OF[output]}, {how}, baseline of {baseline_rows} rows"


def means_of(method: str) -> Means:
    """The way to the attributions of a kept decision, by its words. Raises ValueError."""
    how = method.partition(", ")[2]
    found = [means for means in Means if how.startswith(means)]
    if not found:
        raise ValueError(f"No way to attributions is called so: {method}")
    return found[0]


def output_of(method: str) -> Output:
    """What the attributions of a kept decision are, by its words."""
    said = method.partition(",")[0].removeprefix(SHAPLEY)
    return next((output for output, words in _OF.items() if words == said), Output.LOG_ODDS)


@dataclass(frozen=True)
class Link:
    """From a margin to a probability of bad, never falling.

    `steps`: the two (s,) arrays of an isotonic calibration, between which it interpolates.
    """

    output: Output = Output.LOG_ODDS
    steps: tuple[Floats, Floats] | None = None

    def pd(self, margin: Floats) -> Floats:
        """(n,) probabilities of bad, 0 to 1, of (n,) margins."""
        if self.steps is not None:
            found = np.interp(margin, *self.steps)
        elif self.output == Output.LOG_ODDS:
            found = np.empty(len(margin))
            _logistic(np.ascontiguousarray(margin, dtype=np.float64), found)
        else:
            found = np.clip(margin, 0.0, 1.0)  # a mean of shares, but for rounding
        return np.asarray(found, dtype=np.float64)


@dataclass(frozen=True)
class Scores:
    """Margins and attributions of n applicants over k players, from one pass.

    margin: (n,) in the link's output. attributions: (n, k) in the same. base_value: mean margin of
    the baseline. additivity_gap: (n,) base_value + sum of attributions - margin.
    """

    margin: Floats
    attributions: Floats
    base_value: float
    additivity_gap: Floats
    link: Link = Link()

    @property
    def pd(self) -> Floats:
        """Probability of bad, (n,), 0 to 1."""
        return self.link.pd(self.margin)


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


class ScorerDisagrees(ScorerUnusable):
    """The compiled scorer and the estimator do not give the same margins."""


def gathered_scores(margin: Floats, attributions: Floats, base_value: float, link: Link) -> Scores:
    """Scores with their additivity gap: NaN where a margin was too large for a double."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = base_value + attributions.sum(axis=1) - margin
    return Scores(margin, attributions, base_value, gap, link)


@compiled
def _logistic(margin: Floats, pd: Floats) -> None:
    """Fill pd (n,) by the C library's exponential, so that its bits are those of `scipy.special.expit`; NumPy's are others."""
    for row in range(len(margin)):
        pd[row] = 1.0 / (1.0 + exp(-margin[row]))

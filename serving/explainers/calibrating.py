"""Calibrated classifiers, explained on the margin that decides.

A calibration is a curve over the output f of the classifier below it: its log-odds, or its probability
where it has none.

- `sigmoid` (Platt 1999): pd = expit(-(a f + b)), so the log-odds of bad are -(a f + b): a straight line
  in f, and attributions of f times -a are exact attributions of the calibrated log-odds.
- `isotonic` (Zadrozny and Elkan 2002): pd is a curve in f that never falls and is no sum. f itself is
  explained: whoever has the larger f never has the smaller pd, so a cut-off in pd is one in f.

Several calibrated classifiers averaged (`ensemble=True` with more than one fold) have no such margin.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression

from serving.explainers.scores import (
    Floats,
    Link,
    Output,
    Scorer,
    Scores,
    UnsupportedEstimator,
    gathered_scores,
    means_of,
    method_of,
    output_of,
)

_BEFORE = {
    Output.LOG_ODDS: Output.UNCALIBRATED_LOG_ODDS,
    Output.PROBABILITY: Output.UNCALIBRATED_PROBABILITY,
}


@dataclass(frozen=True)
class SigmoidScorer:
    """Log-odds of bad = slope x the margin below + shift, and attributions with it."""

    inner: Scorer
    slope: float
    shift: float
    base_value: float
    method: str

    def score(self, matrix: Floats) -> Scores:
        found = self.inner.score(matrix)
        margin = self.slope * found.margin + self.shift
        return gathered_scores(margin, self.slope * found.attributions, self.base_value, Link())


@dataclass(frozen=True)
class IsotonicScorer:
    """The margin below as it is, with the calibration as its way to a probability."""

    inner: Scorer
    link: Link
    method: str

    @property
    def base_value(self) -> float:
        return self.inner.base_value

    def score(self, matrix: Floats) -> Scores:
        return replace(self.inner.score(matrix), link=self.link)


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


def compile_calibrated(curve: BaseEstimator, inner: Scorer, baseline_rows: int) -> Scorer:
    """The scorer below under the curve."""
    means = means_of(inner.method)
    if isinstance(curve, IsotonicRegression):
        steps = (
            np.asarray(curve.X_thresholds_, dtype=np.float64),
            np.asarray(curve.y_thresholds_, dtype=np.float64),
        )
        before = _BEFORE[output_of(inner.method)]
        method = method_of(before, means, baseline_rows, "below an isotonic calibration")
        return IsotonicScorer(inner, Link(before, steps), method)
    slope, shift = -float(curve.a_), -float(curve.b_)
    return SigmoidScorer(
        inner,
        slope,
        shift,
        base_value=slope * inner.base_value + shift,
        method=method_of(Output.LOG_ODDS, means, baseline_rows, "under a sigmoid calibration"),
    )

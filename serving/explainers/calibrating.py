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

from serving.explainers.scores import (
    Floats,
    Link,
    Output,
    Scorer,
    Scores,
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


def under_sigmoid(inner: Scorer, a: float, b: float, baseline_rows: int) -> SigmoidScorer:
    """The scorer below under the curve expit(-(a f + b))."""
    slope, shift = -a, -b
    return SigmoidScorer(
        inner,
        slope,
        shift,
        base_value=slope * inner.base_value + shift,
        method=method_of(
            Output.LOG_ODDS, means_of(inner.method), baseline_rows, "under a sigmoid calibration"
        ),
    )


def below_isotonic(
    inner: Scorer, steps: tuple[Floats, Floats], baseline_rows: int
) -> IsotonicScorer:
    """The scorer below the curve that interpolates between the steps."""
    before = _BEFORE[output_of(inner.method)]
    method = method_of(
        before, means_of(inner.method), baseline_rows, "below an isotonic calibration"
    )
    return IsotonicScorer(inner, Link(before, steps), method)

"""Whether the bad rate of each grade is what its probability of default promises (DOMAIN.md 3.6).

Also the line of recalibration with its intervals: Cox (1958), 0 and 1 are perfect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import sqrt
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from audit.deferred import deferred
from registry.measures.calibration import SMALLEST_PROBABILITY, Band, Calibration, calibration
from registry.measures.errors import NotMeasurable
from registry.measures.inputs import labels_and_probabilities
from registry.measures.statistics import Z_95, Interval

if TYPE_CHECKING:
    from scipy import special, stats
else:
    special = deferred("scipy.special")
    stats = deferred("scipy.stats")

YELLOW_BELOW, RED_BELOW = 0.05, 0.0001
"""One-sided p below which a grade's light changes: more bads than in 95 % and in 99.99 % of good models."""


class Light(StrEnum):
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True)
class Grade:
    """n accounts of neighbouring pd. `jeffreys_p` is small where the mean pd (0 to 1) is too low.

    `observed_expected` is None where the pd is 0, so that nothing was expected.
    """

    n: int
    n_bad: int
    mean_pd: float
    bad_rate: float
    bad_rate_interval: Interval
    observed_expected: float | None
    jeffreys_p: float
    light: Light

    def as_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {**asdict(self), "light": str(self.light)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """The grade of `as_json`."""
        interval, light = Interval(**plain["bad_rate_interval"]), Light(plain["light"])
        return cls(**{**plain, "bad_rate_interval": interval, "light": light})


@dataclass(frozen=True)
class Recalibration:
    """Log-odds of bad = intercept + slope * log-odds of pd, for n accounts, with Wald intervals."""

    n: int
    slope: float
    slope_interval: Interval
    intercept: float
    intercept_interval: Interval


def jeffreys(n: int, n_bad: int, pd: float) -> float:
    """P(true rate <= pd) after n_bad of n, from Jeffreys' prior: BetaCDF(pd; D + 1/2, N - D + 1/2)."""
    return float(stats.beta.cdf(pd, n_bad + 0.5, n - n_bad + 0.5))


def grades(bad: ArrayLike, pd: ArrayLike, count: int = 10) -> tuple[Grade, ...]:
    """n labels (0 or 1) against n pd (0 to 1) in at most `count` grades of equal size, lowest pd first.

    Raises NotMeasurable where an array is unfit or all accounts are of one class.
    """
    return tuple(_grade(band) for band in calibration(bad, pd, count).bands)


def worst_grade(found: Sequence[Grade]) -> Grade:
    """The grade whose pd is the least believable."""
    return min(found, key=lambda grade: grade.jeffreys_p)


def recalibration(bad: ArrayLike, pd: ArrayLike) -> Recalibration:
    """The line through n labels (0 or 1) and n pd (0 to 1); intervals from the Fisher information.

    Raises NotMeasurable where an array is unfit, all accounts are of one class or no line exists.
    """
    found: Calibration = calibration(bad, pd)
    if found.slope is None or found.intercept is None:
        raise NotMeasurable(
            "No line of recalibration exists: the pd part goods from bads, or are one value."
        )
    _, probability = labels_and_probabilities(bad, pd)
    clipped = np.clip(probability, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    design = np.column_stack([np.ones_like(log_odds), log_odds])
    fitted = special.expit(design @ np.array([found.intercept, found.slope]))
    information = design.T @ (design * (fitted * (1.0 - fitted))[:, None])
    try:
        covariance = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        raise NotMeasurable("The line of recalibration has no interval.") from None
    return Recalibration(
        n=found.n,
        slope=found.slope,
        slope_interval=_around(found.slope, float(covariance[1, 1])),
        intercept=found.intercept,
        intercept_interval=_around(found.intercept, float(covariance[0, 0])),
    )


def _grade(band: Band) -> Grade:
    p_value = jeffreys(band.n, band.n_bad, band.mean_pd)
    expected = band.n * band.mean_pd
    return Grade(
        n=band.n,
        n_bad=band.n_bad,
        mean_pd=band.mean_pd,
        bad_rate=band.bad_rate,
        bad_rate_interval=band.bad_rate_interval,
        observed_expected=band.n_bad / expected if expected else None,
        jeffreys_p=p_value,
        light=_light(p_value),
    )


def _light(p_value: float) -> Light:
    if p_value < RED_BELOW:
        return Light.RED
    return Light.YELLOW if p_value < YELLOW_BELOW else Light.GREEN


def _around(value: float, variance: float) -> Interval:
    reach = Z_95 * sqrt(variance)
    return Interval(value - reach, value + reach)

"""Confidence intervals of rates and of their ratios, tests of two rates, and their adjustment."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audit.deferred import deferred
from registry.measures.errors import NotMeasurable

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = deferred("scipy.stats")

Z_95 = 1.96
"""Two-sided 95 % as the "two standard deviations" rule of fair-lending practice writes it."""


SMALLEST_EXPECTED_CELL = 5.0
"""Below this expected count in any cell the normal approximation gives way to Fisher's exact test."""


SMALLEST_SHARE = 1e-4
"""Floor of a bin's share in `psi`. Dropping empty bins instead hides change: 95/5 to 100/0 would read 0.003."""


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval, 95 % unless said otherwise."""

    low: float
    high: float

    def contains(self, value: float) -> bool:
        """Whether the value lies inside, bounds included."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Share:
    """How many of n cases something holds for, as a share 0 to 1 with its Wilson interval."""

    n: int
    count: int
    value: float
    interval: Interval


def share_of(holds: NDArray[np.bool_]) -> Share:
    """The share of n cases (booleans). Raises NotMeasurable where there is no case."""
    if holds.size == 0:
        raise NotMeasurable("There is no case to count.")
    n, count = holds.size, int(holds.sum())
    return Share(n, count, count / n, wilson(count, n))


def wilson(successes: int, n: int, z: float = Z_95) -> Interval:
    """Interval of the rate successes / n, 0 to 1 (Wilson 1927). Raises ZeroDivisionError for n = 0.

    20 of 25 gives 0.609 to 0.911.
    """
    rate = successes / n
    shrink = 1.0 + z * z / n
    centre = (rate + z * z / (2 * n)) / shrink
    reach = z * sqrt(rate * (1.0 - rate) / n + z * z / (4 * n * n)) / shrink
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))


def katz(a: float, n1: float, b: float, n2: float, z: float = Z_95) -> Interval:
    """Interval of the ratio (a / n1) / (b / n2) (Katz and others 1978), from 0 upwards.

    55 of 100 against 420 of 600 gives 0.653 to 0.945. A zero count gets one half added to every cell
    of the table (a, n1 - a, b, n2 - b), the usual continuity correction.
    """
    if a == 0 or b == 0:
        a, n1, b, n2 = a + 0.5, n1 + 1.0, b + 0.5, n2 + 1.0
    reach = z * sqrt(1.0 / a - 1.0 / n1 + 1.0 / b - 1.0 / n2)
    centre = log((a / n1) / (b / n2))
    return Interval(exp(centre - reach), exp(centre + reach))


def newcombe(a: int, n1: int, b: int, n2: int, z: float = Z_95) -> Interval:
    """Interval of the difference a / n1 - b / n2, -1 to 1 (Newcombe 1998, method 10).

    56 of 70 against 48 of 80 gives 0.0524 to 0.3339. Raises ZeroDivisionError for no case on either side.
    """
    first, second = wilson(a, n1, z), wilson(b, n2, z)
    p1, p2 = a / n1, b / n2
    low = p1 - p2 - sqrt((p1 - first.low) ** 2 + (second.high - p2) ** 2)
    high = p1 - p2 + sqrt((first.high - p1) ** 2 + (p2 - second.low) ** 2)
    return Interval(low, high)


def paired_difference(gained: int, lost: int, n: int, z: float = Z_95) -> Interval:
    """Interval of the difference (gained - lost) / n of two rates in the same n cases, -1 to 1.

    Wald's with half a case more in each of the four cells (Agresti and Min 2005).
    """
    up, down, cases = gained + 0.5, lost + 0.5, n + 2.0
    centre = (up - down) / cases
    reach = z * sqrt(up + down - (up - down) ** 2 / cases) / cases
    return Interval(max(-1.0, centre - reach), min(1.0, centre + reach))


def median_interval(values: NDArray[np.float64]) -> Interval:
    """Interval of the median of n values, at least 95 %, by their order (David and Nagaraja 2003, section 7.1).

    Fewer than six values carry none: it reaches from the smallest to the largest then. Raises NotMeasurable for no value.
    """
    if values.size == 0:
        raise NotMeasurable("There is no value to take the median of.")
    ordered = np.sort(values)
    place = max(0, int(stats.binom.ppf(0.025, ordered.size, 0.5)) - 1)
    return Interval(float(ordered[place]), float(ordered[ordered.size - 1 - place]))


def psi(reference_shares: NDArray[np.float64], current_shares: NDArray[np.float64]) -> float:
    """Population stability index: sum of (current - reference) ln(current / reference), from 0.

    Shares of k bins, each floored at 1e-4. Siddiqi (2006); 95/5 to 100/0 gives 0.31.
    """
    r = np.maximum(reference_shares, SMALLEST_SHARE)
    c = np.maximum(current_shares, SMALLEST_SHARE)
    return float(np.sum((c - r) * np.log(c / r)))


def psi_by_chance(bins: int, n_reference: int, n_current: int) -> float:
    """What the index of two samples of one population stays below in 95 of 100 cases (Yurdakul and Naranjo 2020)."""
    return float(stats.chi2.ppf(0.95, bins - 1)) * (1 / n_reference + 1 / n_current)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Step-down adjusted p (Holm 1979), in the order given; None stays None and does not count."""
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, position) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[position] = largest
    return adjusted


def two_proportions(a: int, n1: int, b: int, n2: int) -> tuple[float | None, float, str]:
    """z with a pooled rate, two-sided p and the name of the test, for a of n1 against b of n2.

    z is None where everybody or nobody is approved; there is no difference then, and p is 1.
    """
    pooled = (a + b) / (n1 + n2)
    if pooled in (0.0, 1.0):
        return None, 1.0, "none"
    z = (a / n1 - b / n2) / sqrt(pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2))
    if min(pooled, 1.0 - pooled) * min(n1, n2) < SMALLEST_EXPECTED_CELL:
        return z, float(stats.fisher_exact(np.array([[a, n1 - a], [b, n2 - b]])).pvalue), "fisher"
    return z, float(2.0 * stats.norm.sf(abs(z))), "z"

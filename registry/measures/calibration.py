"""Whether probabilities of default are the right size, overall and by band (DOMAIN.md 3.6)."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from audit.deferred import deferred
from registry.measures.errors import NotMeasurable
from registry.measures.inputs import (
    Bools,
    Floats,
    labels_and_probabilities,
    require_both_classes,
)
from registry.measures.statistics import Interval, wilson

if TYPE_CHECKING:
    from scipy import optimize, special
else:
    optimize = deferred("scipy.optimize")
    special = deferred("scipy.special")

SMALLEST_PROBABILITY = 1e-12
"""Floor of a probability before its log-odds are taken."""

GRADIENT_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Band:
    """Accounts of neighbouring pd: how many were expected to go bad and how many did."""

    pd_from: float
    pd_to: float
    n: int
    n_bad: int
    mean_pd: float
    bad_rate: float
    bad_rate_interval: Interval


@dataclass(frozen=True)
class Calibration:
    """Log-odds of bad = intercept + slope * log-odds of pd (Cox 1958); 0 and 1 are perfect.

    `slope` and `intercept` are None where no line exists: a pd that separates goods from bads
    completely, or one pd for everybody. `observed_expected` is bads over the sum of pd.
    `ece` is the mean absolute gap between bad rate and mean pd over the bands, weighted by accounts.
    """

    n: int
    n_bad: int
    slope: float | None
    intercept: float | None
    observed_expected: float
    observed_expected_interval: Interval
    ece: float
    bands: tuple[Band, ...]

    def as_json(self) -> dict[str, object]:
        """The same numbers as plain values."""
        return asdict(self)


def calibration(bad: ArrayLike, pd: ArrayLike, bins: int = 10) -> Calibration:
    """Compare n predicted pd (0 to 1) with n labels (0 or 1) in bands of equal count.

    Raises NotMeasurable where an array is unfit, all accounts are of one class or every pd is 0.
    """
    label, probability = labels_and_probabilities(bad, pd)
    require_both_classes(label, "Calibration")
    expected = float(probability.sum())
    if expected == 0.0:
        raise NotMeasurable("Every pd is 0, so nothing was expected to go bad.")
    slope, intercept = _line(label, probability)
    bands = _bands(label, probability, bins)
    rate = wilson(int(label.sum()), label.size)
    mean_pd = expected / label.size
    return Calibration(
        n=label.size,
        n_bad=int(label.sum()),
        slope=slope,
        intercept=intercept,
        observed_expected=float(label.sum()) / expected,
        observed_expected_interval=Interval(rate.low / mean_pd, rate.high / mean_pd),
        ece=sum(band.n * abs(band.bad_rate - band.mean_pd) for band in bands) / label.size,
        bands=bands,
    )


def _bands(bad: Bools, pd: Floats, bins: int) -> tuple[Band, ...]:
    edges = np.unique(np.quantile(pd, np.linspace(0.0, 1.0, bins + 1)))
    index = np.searchsorted(edges[1:-1], pd, side="left")
    return tuple(_band(bad[index == i], pd[index == i]) for i in np.unique(index))


def _band(bad: Bools, pd: Floats) -> Band:
    n, n_bad = bad.size, int(bad.sum())
    return Band(
        pd_from=float(pd.min()),
        pd_to=float(pd.max()),
        n=n,
        n_bad=n_bad,
        mean_pd=float(pd.mean()),
        bad_rate=n_bad / n,
        bad_rate_interval=wilson(n_bad, n),
    )


def _line(bad: Bools, pd: Floats) -> tuple[float | None, float | None]:
    """Slope and intercept of the unpenalised logistic regression of `bad` on the log-odds of pd."""
    clipped = np.clip(pd, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    log_odds = np.log(clipped) - np.log1p(-clipped)
    if _separates(bad, log_odds):
        return None, None
    design = np.column_stack([np.ones_like(log_odds), log_odds])
    sign = np.where(bad, -1.0, 1.0)

    def loss(beta: Floats) -> float:
        return float(np.mean(np.logaddexp(0.0, sign * (design @ beta))))

    def gradient(beta: Floats) -> Floats:
        return design.T @ (special.expit(design @ beta) - bad) / bad.size

    def curvature(beta: Floats) -> Floats:
        fitted = special.expit(design @ beta)
        return design.T @ (design * (fitted * (1.0 - fitted))[:, None]) / bad.size

    found = optimize.minimize(
        loss,
        x0=np.array([0.0, 1.0]),
        jac=gradient,
        hess=curvature,
        method="trust-exact",
        options={"gtol": GRADIENT_TOLERANCE},
    )
    return (float(found.x[1]), float(found.x[0])) if found.success else (None, None)


def _separates(bad: Bools, log_odds: Floats) -> bool:
    """Whether one value parts goods from bads, or all values are equal: then no finite line fits."""
    goods, bads = log_odds[~bad], log_odds[bad]
    if log_odds.min() == log_odds.max():
        return True
    return bool(goods.max() <= bads.min() or bads.max() <= goods.min())

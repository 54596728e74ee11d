"""How well probabilities of default rank accounts and how far off they are.

Definitions are those of DOMAIN.md 3.6. `ks_separation` is the largest gap between the score
distributions of goods and bads, where high is good; drift uses another KS, `drift_ks_d`.
"""

from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from audit.deferred import deferred
from registry.measures.errors import NotMeasurable
from registry.measures.inputs import Bools, Floats, labels_and_probabilities, require_both_classes
from registry.measures.statistics import Interval

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = deferred("scipy.stats")

SMALLEST_PROBABILITY = 1e-15
"""Floor of a probability inside a logarithm, so that one certain mistake costs 34.5 and not infinity."""


@dataclass(frozen=True)
class Performance:
    """Rank order and accuracy of n probabilities of default; everything except log loss lies within -1 to 1."""

    n: int
    n_bad: int
    auc: float
    auc_interval: Interval
    gini: float
    ks_separation: float
    brier: float
    brier_skill: float
    log_loss: float

    def as_json(self) -> dict[str, object]:
        """The same numbers as plain values."""
        return asdict(self)


def performance(bad: ArrayLike, pd: ArrayLike) -> Performance:
    """Measure n accounts: `bad` 0 or 1, `pd` the predicted probability of 1.

    Raises NotMeasurable where an array is unfit or all accounts are of one class.
    """
    label, probability = labels_and_probabilities(bad, pd)
    require_both_classes(label, "Rank order")
    auc, interval = auc_with_interval(label, probability)
    brier = float(np.mean((probability - label) ** 2))
    bad_rate = float(label.mean())
    return Performance(
        n=label.size,
        n_bad=int(label.sum()),
        auc=auc,
        auc_interval=interval,
        gini=2.0 * auc - 1.0,
        ks_separation=ks_separation(label, probability),
        brier=brier,
        brier_skill=1.0 - brier / (bad_rate * (1.0 - bad_rate)),
        log_loss=_log_loss(label, probability),
    )


@dataclass(frozen=True)
class AucDifference:
    """AUC of one model minus that of another on the same n accounts, -1 to 1, with a two-sided p.

    Where the variance is unknown (one good or one bad) or 0 (the same order), p is None.
    """

    n: int
    n_bad: int
    first: float
    second: float
    difference: float
    interval: Interval
    p_value: float | None


def auc_with_interval(bad: Bools, pd: Floats, confidence: float = 0.95) -> tuple[float, Interval]:
    """AUC (ties count one half) and its DeLong interval, cut at 0 and 1.

    DeLong, DeLong and Clarke-Pearson (1988), by midranks as in Sun and Xu (2014): O(n log n).
    With a single good or a single bad account the variance is unknown and the interval is 0 to 1.
    """
    of_bads, of_goods = _placements(bad, pd)
    auc = float(of_bads.mean())
    if min(of_bads.size, of_goods.size) < 2:
        return auc, Interval(0.0, 1.0)
    reach = float(stats.norm.ppf(0.5 + confidence / 2.0)) * _standard_error(of_bads, of_goods)
    return auc, Interval(max(0.0, auc - reach), min(1.0, auc + reach))


def auc_difference(
    bad: ArrayLike, first: ArrayLike, second: ArrayLike, confidence: float = 0.95
) -> AucDifference:
    """Paired comparison of two pd (0 to 1) for the same n accounts, `bad` 0 or 1.

    DeLong, DeLong and Clarke-Pearson (1988): the variance of the difference is that of the placements'
    differences, so what both models get right on the same accounts cancels out.
    Raises NotMeasurable where an array is unfit or all accounts are of one class.
    """
    label, pd_first = labels_and_probabilities(bad, first)
    _, pd_second = labels_and_probabilities(bad, second)
    require_both_classes(label, "A comparison of rank order")
    bads_first, goods_first = _placements(label, pd_first)
    bads_second, goods_second = _placements(label, pd_second)
    of_bads, of_goods = bads_first - bads_second, goods_first - goods_second
    difference = float(of_bads.mean())
    interval, p_value = Interval(-1.0, 1.0), None
    if min(of_bads.size, of_goods.size) >= 2:
        error = _standard_error(of_bads, of_goods)
        reach = float(stats.norm.ppf(0.5 + confidence / 2.0)) * error
        interval = Interval(max(-1.0, difference - reach), min(1.0, difference + reach))
        p_value = float(2.0 * stats.norm.sf(abs(difference) / error)) if error else None
    return AucDifference(
        n=label.size,
        n_bad=int(label.sum()),
        first=float(bads_first.mean()),
        second=float(bads_second.mean()),
        difference=difference,
        interval=interval,
        p_value=p_value,
    )


def _placements(bad: Bools, pd: Floats) -> tuple[Floats, Floats]:
    """For each bad the share of goods that it outranks, and for each good the share of bads above it."""
    goods, bads = pd[~bad], pd[bad]
    ranks_all = stats.rankdata(np.concatenate([bads, goods]))
    m, n = bads.size, goods.size
    of_bads = (ranks_all[:m] - stats.rankdata(bads)) / n
    return of_bads, 1.0 - (ranks_all[m:] - stats.rankdata(goods)) / m


def _standard_error(of_bads: Floats, of_goods: Floats) -> float:
    """Of the mean placement, for at least two bads and two goods."""
    return sqrt(of_bads.var(ddof=1) / of_bads.size + of_goods.var(ddof=1) / of_goods.size)


def ks_separation(bad: Bools, pd: Floats) -> float:
    """Largest gap between the cumulative score distributions of goods and bads, 0 to 1."""
    order = np.argsort(pd, kind="stable")
    sorted_pd, sorted_bad = pd[order], bad[order]
    last_of_ties = np.append(sorted_pd[1:] != sorted_pd[:-1], True)
    cumulative_bad = np.cumsum(sorted_bad)[last_of_ties] / bad.sum()
    cumulative_good = np.cumsum(~sorted_bad)[last_of_ties] / (~bad).sum()
    return float(np.max(np.abs(cumulative_good - cumulative_bad)))


def roc_curve(bad: ArrayLike, pd: ArrayLike) -> tuple[Floats, Floats]:
    """False and true positive rates at every distinct pd from high to low, both from 0 to 1."""
    label, probability = labels_and_probabilities(bad, pd)
    require_both_classes(label, "A ROC curve")
    order = np.argsort(-probability, kind="stable")
    sorted_pd, sorted_bad = probability[order], label[order]
    last_of_ties = np.append(sorted_pd[1:] != sorted_pd[:-1], True)
    hits = np.cumsum(sorted_bad)[last_of_ties] / label.sum()
    false_alarms = np.cumsum(~sorted_bad)[last_of_ties] / (~label).sum()
    return np.append(0.0, false_alarms), np.append(0.0, hits)


def accuracy_at(bad: ArrayLike, pd: ArrayLike, cut_off: float) -> float:
    """Share of accounts where `pd >= cut_off` agrees with the label, 0 to 1.

    With few bads a model that calls everyone good scores high: never read it without AUC and Brier.
    """
    if not 0.0 <= cut_off <= 1.0:
        raise NotMeasurable(f"A cut-off is a probability from 0 to 1, not {cut_off}.")
    label, probability = labels_and_probabilities(bad, pd)
    return float(np.mean((probability >= cut_off) == label))


def _log_loss(bad: Bools, pd: Floats) -> float:
    clipped = np.clip(pd, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    return float(-np.mean(np.where(bad, np.log(clipped), np.log1p(-clipped))))

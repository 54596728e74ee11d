"""How far a live population has moved from the reference it is compared with.

Every measure is an effect size; p-values are footnotes, because at scale everything is significant
(DOMAIN.md 6.1). `ks` here is the drift statistic `drift_ks_d`, the largest gap between two
populations' distributions, where high is bad; it is not the `ks_separation` of goods and bads.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from audit.deferred import deferred
from registry.measures.errors import NotMeasurable
from registry.measures.statistics import psi

if TYPE_CHECKING:
    from scipy import stats
else:
    stats = deferred("scipy.stats")

Floats = NDArray[np.float64]

FEWEST_QUANTILE_BINS = 3


@dataclass(frozen=True)
class Column:
    """What is compared under one name.

    `nominal` values are codes without an order, so that KS has no meaning for them; `labels` names the codes.
    """

    name: str
    nominal: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class BinShare:
    """The share (0 to 1) of each population that falls into one bin."""

    label: str
    reference: float
    current: float


@dataclass(frozen=True)
class ColumnDrift:
    """One column of the current population against the same column of the reference.

    `binning` is `quantile` or `category`. Shares are of all rows, missing ones included; `unseen_current` is the share
    with a value that the reference never had, where values are compared one by one. `ks` and its
    p-value are over non-missing values, None where codes have no order or one side has no value.
    """

    name: str
    binning: Literal["quantile", "category"]
    n_reference: int
    n_current: int
    psi: float
    ks: float | None
    ks_p_value: float | None
    missing_reference: float
    missing_current: float
    unseen_current: float
    bins: tuple[BinShare, ...]

    @property
    def missing_change(self) -> float:
        """Current minus reference share of missing values, -1 to 1."""
        return self.missing_current - self.missing_reference

    def as_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class MeanShift:
    """Mean prediction of the current population against the reference, both 0 to 1.

    `relative` is the shift over the reference mean and `in_sd` over the reference's standard
    deviation; None where that is zero.
    """

    reference: float
    current: float
    shift: float
    relative: float | None
    in_sd: float | None

    def as_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


def column_drift(column: Column, reference: Floats, current: Floats, bins: int = 10) -> ColumnDrift:
    """Compare n current values with m reference values; NaN is missing. Bins are frozen on the reference.

    Raises NotMeasurable where a population is empty.
    """
    for values in (reference, current):
        _require_values(column.name, values)
    binning = _binning(column, reference, bins)
    reference_shares, current_shares = binning.shares(reference), binning.shares(current)
    ks, p_value = (None, None) if column.nominal else _ks_without_missing(reference, current)
    return ColumnDrift(
        name=column.name,
        binning=binning.kind,
        n_reference=reference.size,
        n_current=current.size,
        psi=psi(reference_shares, current_shares),
        ks=ks,
        ks_p_value=p_value,
        missing_reference=float(reference_shares[-1]),
        missing_current=float(current_shares[-1]),
        unseen_current=float(current_shares[-2]) if binning.kind == "category" else 0.0,
        bins=tuple(
            BinShare(label, float(r), float(c))
            for label, r, c in zip(binning.labels, reference_shares, current_shares, strict=True)
        ),
    )


def ks_two_sample(reference: Floats, current: Floats) -> float:
    """Largest gap between two empirical distributions, 0 to 1, exact; no value may be missing."""
    reference, current = np.sort(reference), np.sort(current)
    values = np.concatenate([reference, current])
    below_reference = np.searchsorted(reference, values, side="right") / reference.size
    below_current = np.searchsorted(current, values, side="right") / current.size
    return float(np.max(np.abs(below_reference - below_current)))


def mean_shift(reference: Floats, current: Floats) -> MeanShift:
    """Compare the mean of n current predictions with that of m reference predictions, none missing."""
    for values in (reference, current):
        _require_values("prediction", values)
    before, now, sd = float(reference.mean()), float(current.mean()), float(reference.std())
    shift = now - before
    return MeanShift(
        reference=before,
        current=now,
        shift=shift,
        relative=shift / before if before else None,
        in_sd=shift / sd if sd else None,
    )


@dataclass(frozen=True)
class _Quantiles:
    """Bins between quantiles of the reference, upper edge included, and one bin for missing values."""

    edges: Floats
    kind: Literal["quantile"] = "quantile"

    @property
    def labels(self) -> tuple[str, ...]:
        edges = [_short(edge) for edge in self.edges]
        inner = [f"{low} to {high}" for low, high in pairwise(edges)]
        return (f"up to {edges[0]}", *inner, f"above {edges[-1]}", "missing")

    def shares(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        index = np.searchsorted(self.edges, values[~missing], side="left")
        counts = np.bincount(index, minlength=self.edges.size + 1)
        return np.append(counts, missing.sum()) / values.size


@dataclass(frozen=True)
class _Categories:
    """One bin for each value of the reference, one for values it never had, one for missing values."""

    values: Floats
    names: tuple[str, ...]
    kind: Literal["category"] = "category"

    @property
    def labels(self) -> tuple[str, ...]:
        return (*self.names, "not in the reference", "missing")

    def shares(self, values: Floats) -> Floats:
        missing = np.isnan(values)
        present = values[~missing]
        place = np.searchsorted(self.values, present)
        known = place < self.values.size
        known[known] = self.values[place[known]] == present[known]
        counts = np.bincount(place[known], minlength=self.values.size)
        return np.append(counts, [(~known).sum(), missing.sum()]) / values.size


def _binning(column: Column, reference: Floats, bins: int) -> _Quantiles | _Categories:
    """Quantile bins for a column with many values, one bin per value for any other.

    Quantiles of a column that is constant in the reference put every later value into one bin, and
    would report 0.000 whatever comes; so few values are always compared one by one. Where a heavy
    value swallows nearly all quantiles, it gets a bin of its own.
    """
    present = reference[~np.isnan(reference)]
    values = np.unique(present)
    if column.nominal or values.size <= bins:
        return _Categories(values, tuple(_name(column, value) for value in values))
    quantiles = np.quantile(present, np.linspace(0.0, 1.0, bins + 1))
    edges = np.unique(quantiles)[1:-1]
    if edges.size + 1 < FEWEST_QUANTILE_BINS:
        edges = np.unique(quantiles[1:-1])
    return _Quantiles(edges)


def _name(column: Column, value: float) -> str:
    return column.labels[int(value)] if column.labels else _short(value)


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _ks_without_missing(
    reference: Floats, current: Floats
) -> tuple[float, float] | tuple[None, None]:
    reference, current = reference[~np.isnan(reference)], current[~np.isnan(current)]
    if not (reference.size and current.size):
        return None, None
    statistic = ks_two_sample(reference, current)
    effective = reference.size * current.size / (reference.size + current.size)
    return statistic, float(stats.kstwobign.sf(statistic * np.sqrt(effective)))


def _require_values(name: str, values: Floats) -> None:
    if values.ndim != 1 or values.size == 0:
        raise NotMeasurable(f"{name}: one of the two populations is empty.")
    if np.isinf(values).any():
        raise NotMeasurable(f"{name}: a value is infinite.")


def columns_drift(
    columns: Sequence[Column], reference: Floats, current: Floats, bins: int = 10
) -> list[ColumnDrift]:
    """`column_drift` for k columns of (m, k) reference and (n, k) current values."""
    return [
        column_drift(column, reference[:, i], current[:, i], bins)
        for i, column in enumerate(columns)
    ]

"""What a data set looks like, feature by feature: how much is missing, how values spread, how often they went bad. Pure.

Nothing singles a row out: quantiles end at the 1st and the 99th percentile, and a bin of fewer than ten rows shows no bad rate.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.contract import Feature, FeatureContract
from registry.snapshots import Snapshot

FEWEST_SHOWN = 10
QUANTILES = {"p1": 0.01, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p99": 0.99}
BINS = 10


@dataclass(frozen=True, slots=True)
class ProfileBin:
    """A stretch of values, or one category, or what is missing: how many rows, and the share (0 to 1) of them that went bad."""

    label: str
    rows: int
    bad_rate: float | None


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """One feature over n rows. `quantiles` (those of QUANTILES), `mean` and `sd` (population) are of known numbers; None where there are none."""

    name: str
    type: str
    rows: int
    missing: int
    distinct: int
    mean: float | None
    sd: float | None
    quantiles: tuple[float, ...] | None
    bins: tuple[ProfileBin, ...]

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows

    def as_json(self) -> dict[str, Any]:
        """Plain values; quantiles by their names."""
        quantiles = self.quantiles and dict(zip(QUANTILES, self.quantiles, strict=True))
        return {**asdict(self), "quantiles": quantiles}


def profile(snapshot: Snapshot, contract: FeatureContract) -> list[FeatureProfile]:
    """Every feature of the contract, in its order."""
    return [
        _feature(feature, snapshot.packed[:, position], snapshot.bad)
        for position, feature in enumerate(contract.features)
    ]


def _feature(
    feature: Feature, values: NDArray[np.float64], bad: NDArray[np.int8]
) -> FeatureProfile:
    known = ~np.isnan(values)
    numbers = values[known]
    is_number = feature.type in {"number", "integer"} and numbers.size > 0
    binned = _ranges(values) if is_number else _codes(feature, values)
    bins = [_bin(label, rows, bad) for label, rows in binned if rows.any()]
    if not known.all():
        bins.append(_bin("missing", ~known, bad))
    return FeatureProfile(
        name=feature.name,
        type=feature.type,
        rows=values.size,
        missing=int((~known).sum()),
        distinct=int(np.unique(numbers).size),
        mean=float(numbers.mean()) if is_number else None,
        sd=float(numbers.std()) if is_number else None,
        quantiles=(
            tuple(np.quantile(numbers, list(QUANTILES.values())).tolist()) if is_number else None
        ),
        bins=tuple(bins),
    )


def _ranges(values: NDArray[np.float64]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Stretches of about a tenth of the known rows each. A value that a tenth of them share stands alone."""
    numbers = values[~np.isnan(values)]
    distinct, counts = np.unique(numbers, return_counts=True)
    alone = distinct if distinct.size <= BINS else distinct[counts >= numbers.size / BINS]
    bins = [(float(value), f"{value:g}", values == value) for value in alone]
    rest = np.isin(values, alone, invert=True) & ~np.isnan(values)
    if rest.any():
        wanted = max(1, round(BINS * rest.sum() / numbers.size))
        edges = np.unique(np.quantile(values[rest], np.linspace(0, 1, wanted + 1)))
        for low, high in pairwise(edges):
            below = values <= high if high == edges[-1] else values < high
            within = rest & (values >= low) & below
            bins.append((float(low), f"{low:.4g} to {high:.4g}", within))
        if edges.size == 1:
            bins.append((float(edges[0]), f"{edges[0]:g}", rest))
    return [(label, rows) for _, label, rows in sorted(bins, key=lambda one: one[0])]


def _codes(feature: Feature, values: NDArray[np.float64]) -> list[tuple[str, NDArray[np.bool_]]]:
    names = ("no", "yes") if feature.type == "boolean" else feature.categories
    return [(name, values == code) for code, name in enumerate(names)]


def _bin(label: str, rows: NDArray[np.bool_], bad: NDArray[np.int8]) -> ProfileBin:
    count = int(rows.sum())
    shown = count >= FEWEST_SHOWN
    return ProfileBin(label, count, float(bad[rows].mean()) if shown else None)

"""What a small disturbance of the inputs does to decisions, and whether scores move the way they must.

Disturbances are drawn with a seed, so that the same rows are disturbed alike on every machine.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from registry.measures.errors import NotMeasurable
from registry.measures.inputs import Bools, Floats

NOISE_SHARE = 0.05
"""Standard deviation of the noise over that of the feature (our choice)."""
MISSING_SHARE = 0.05
"""Share of values that go missing, as the mission allows at most (our choice)."""
DISTURBING_SEED = 20_260_101


def with_noise(
    packed: Floats, bounds: Mapping[int, tuple[float, float]], seed: int, share: float = NOISE_SHARE
) -> Floats:
    """(n, k): the columns named in `bounds` with normal noise of `share` of their standard deviation.

    Bounds are (lowest, highest), infinite where there is none; missing values (NaN) stay missing.
    """
    generator = np.random.default_rng(seed)
    disturbed = packed.copy()
    for column in sorted(bounds):
        values = packed[:, column]
        noise = generator.normal(0.0, 1.0, values.size) * share * _spread(values)
        disturbed[:, column] = np.clip(values + noise, *bounds[column])
    return disturbed


def with_missing(
    packed: Floats, columns: tuple[int, ...], seed: int, share: float = MISSING_SHARE
) -> Floats:
    """(n, k): each value of the columns is missing (NaN) with the probability `share`, 0 to 1."""
    generator = np.random.default_rng(seed)
    disturbed = packed.copy()
    for column in sorted(columns):
        disturbed[generator.random(len(packed)) < share, column] = np.nan
    return disturbed


def flipped(pd: Floats, disturbed: Floats, cut_off: float) -> Bools:
    """(n,): whose decision at the cut-off differs between two pd, each (n,), 0 to 1."""
    if pd.shape != disturbed.shape:
        raise NotMeasurable(f"{pd.shape} pd against {disturbed.shape}: one of each is needed.")
    return np.asarray((pd >= cut_off) != (disturbed >= cut_off))


def breaks_direction(pd: Floats, sign: int, tolerance: float = 1e-9) -> Bools:
    """(n,): for whom pd (n, s), at s rising values of one feature, ever moves against the sign 1 or -1."""
    return np.asarray((sign * np.diff(pd, axis=1) < -tolerance).any(axis=1))


def better_if_younger(pd: Floats, pd_if_younger: Floats, tolerance: float = 1e-9) -> Bools:
    """(n,): for whom some younger age would score better, that is have a lower pd (DOMAIN.md 2.2).

    `pd` is (n,) at the applicant's own age, `pd_if_younger` (n, a) at a younger ages.
    """
    return np.asarray((pd_if_younger < pd[:, None] - tolerance).any(axis=1))


def varied(packed: Floats, column: int, values: Floats) -> NDArray[np.float64]:
    """(n * s, k): every row with each of s values in one column, the row's own copies side by side."""
    rows = np.repeat(packed, values.size, axis=0)
    rows[:, column] = np.tile(values, len(packed))
    return rows


def _spread(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.std()) if known.size else 0.0

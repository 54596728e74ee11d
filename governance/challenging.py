"""Challenging a version before its gates: disturbed inputs, other ages, other baselines. Reads, never writes.

1. Noise and missing values: whose decision flips.
2. Each feature with a declared direction, and an age, varied alone.
3. Declined applicants explained against resampled baselines, and scored without their reasons.
"""

from collections.abc import Callable
from math import inf

import numpy as np

from governance.measured import Ages, Bools, Challenged, Floats
from registry.contract import Feature, FeatureContract
from registry.measures import robustness
from registry.models import ModelVersion
from registry.queries import contract_of_version
from serving.reason_trials import try_reasons
from serving.scoring import score_rows

MOST_VARIED, MOST_DECLINED = 500, 300
"""Applicants varied, and declined applicants explained (our choice: their shares are known to 3 to 6 points)."""
STEPS = 9
YOUNGEST, OLDEST = 18, 100
AGE_NAME, AGE_UNIT = "age", "years of age"
"""What declares a feature to be an age: its name or its unit."""


def challenge(version: ModelVersion, holdout: Floats, pd: Floats) -> Challenged:
    """`holdout`: (h, k) packed rows that the version was not trained on, `pd` (h,) what it says of them."""
    contract = contract_of_version(version)

    def pd_of(packed: Floats) -> Floats:
        return score_rows(version, packed).pd

    tried = try_reasons(version, holdout[pd >= version.cut_off][:MOST_DECLINED])
    return Challenged(
        # 1
        noise_flips=_under_noise(contract, holdout, pd, version.cut_off, pd_of),
        missing_flips=_under_missing(contract, holdout, pd, version.cut_off, pd_of),
        # 2
        direction_breaks=directions_broken(contract, holdout[:MOST_VARIED], pd_of),
        ages=by_age(contract, holdout, pd, pd_of),
        # 3
        reason_agreement=tried.agreement,
        faithful=tried.faithful,
    )


Score = Callable[[Floats], Floats]


def _under_noise(
    contract: FeatureContract, holdout: Floats, pd: Floats, cut_off: float, pd_of: Score
) -> Bools:
    bounds = {
        place: (
            -inf if feature.minimum is None else feature.minimum,
            inf if feature.maximum is None else feature.maximum,
        )
        for place, feature in enumerate(contract.features)
        if feature.type == "number"
    }
    noisy = robustness.with_noise(holdout, bounds, robustness.DISTURBING_SEED)
    return robustness.flipped(pd, pd_of(noisy), cut_off)


def _under_missing(
    contract: FeatureContract, holdout: Floats, pd: Floats, cut_off: float, pd_of: Score
) -> Bools | None:
    columns = tuple(
        place for place, feature in enumerate(contract.features) if feature.missing == "allowed"
    )
    if not columns:
        return None
    sparse = robustness.with_missing(holdout, columns, robustness.DISTURBING_SEED)
    return robustness.flipped(pd, pd_of(sparse), cut_off)


def directions_broken(contract: FeatureContract, rows: Floats, pd_of: Score) -> dict[str, Bools]:
    """Who moves against a declared direction, by feature: (m,) for rows (m, k).

    Each feature is set to quantiles of its own values, everything else stays as it is.
    """
    signs = {"increasing": 1, "decreasing": -1}
    found = {}
    for place, feature in enumerate(contract.features):
        known = rows[~np.isnan(rows[:, place]), place]
        if feature.monotone in signs and feature.type != "category" and known.size:
            steps = np.unique(np.quantile(known, np.linspace(0.0, 1.0, STEPS), method="nearest"))
            pd = pd_of(robustness.varied(rows, place, steps)).reshape(len(rows), -1)
            found[feature.name] = robustness.breaks_direction(pd, signs[feature.monotone])
    return found


def by_age(contract: FeatureContract, holdout: Floats, pd: Floats, pd_of: Score) -> Ages | None:
    """The oldest held-out applicants (h, k), pd (h,), at every age that the contract allows.

    None where the contract declares no feature to be an age.
    """
    place = next((i for i, feature in enumerate(contract.features) if _is_age(feature)), None)
    if place is None:
        return None
    feature = contract.features[place]
    youngest = YOUNGEST if feature.minimum is None else max(YOUNGEST, int(feature.minimum))
    oldest = OLDEST if feature.maximum is None else min(OLDEST, int(feature.maximum))
    grid = np.arange(youngest, oldest + 1, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(holdout[:, place]))
    rows = known[np.argsort(-holdout[known, place], kind="stable")][:MOST_VARIED]
    pd_at = pd_of(robustness.varied(holdout[rows], place, grid)).reshape(len(rows), grid.size)
    return Ages(holdout[rows, place], pd[rows], grid, pd_at)


def _is_age(feature: Feature) -> bool:
    return feature.type in ("number", "integer") and (
        feature.name.casefold() == AGE_NAME or feature.unit.casefold() == AGE_UNIT
    )

"""Is it the population that moved, or is the data broken? Never retrain on broken data. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from governance.retraining_policy import RetrainingPolicy
from registry.contract import FeatureContract

Floats = NDArray[np.float64]


def broken_data(
    contract: FeatureContract, reference: Floats, window: Floats, policy: RetrainingPolicy
) -> list[str]:
    """Why the n window rows (n, k) cannot be trusted beside the m reference rows (m, k); empty where they can."""
    if len(window) < policy.minimum_rows:
        return [f"{len(window)} decisions in the window; {policy.minimum_rows} are needed."]
    return [
        *_missing(contract.names, reference, window, policy),
        *_outside(contract, reference, window, policy),
    ]


def _missing(
    names: Sequence[str], reference: Floats, window: Floats, policy: RetrainingPolicy
) -> list[str]:
    change = np.isnan(window).mean(axis=0) - np.isnan(reference).mean(axis=0)
    return [
        f"{name}: the share of missing values moved by {moved:+.1%}; {policy.maximum_missing_change:.0%} is the limit."
        for name, moved in zip(names, change, strict=True)
        if abs(moved) > policy.maximum_missing_change
    ]


def _outside(
    contract: FeatureContract, reference: Floats, window: Floats, policy: RetrainingPolicy
) -> list[str]:
    found = []
    for column, feature in enumerate(contract.features):
        known, seen = reference[:, column], window[:, column]
        known, seen = known[~np.isnan(known)], seen[~np.isnan(seen)]
        if feature.type == "category" or not (known.size and seen.size):
            continue
        outside = float(np.mean((seen < known.min()) | (seen > known.max())))
        if outside > policy.maximum_outside:
            found.append(
                f"{feature.name}: {outside:.1%} of the values lie outside what the model was trained on; "
                f"{policy.maximum_outside:.0%} is the limit."
            )
    return found

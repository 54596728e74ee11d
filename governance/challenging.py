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
from registry.measures import explanations, robustness
from registry.models import ModelVersion
from registry.queries import baseline_rows, contract_of_version
from serving.policy import DecisionPolicy
from serving.scoring import score_rows, scores_against

MOST_VARIED, MOST_DECLINED = 500, 300
"""Applicants varied, and declined applicants explained (our choice: their shares are known to 3 to 6 points)."""
STEPS = 9
RESAMPLES = 4
YOUNGEST, OLDEST = 18, 100
AGE_NAME, AGE_UNIT = "age", "years of age"
"""What declares a feature to be an age: its name or its unit."""


def challenge(version: ModelVersion, holdout: Floats, pd: Floats) -> Challenged:
    """`holdout`: (h, k) packed rows that the version was not trained on, `pd` (h,) what it says of them."""
    contract = contract_of_version(version)

    def pd_of(packed: Floats) -> Floats:
        return score_rows(version, packed).pd

    agreement, faithful = _reasons(
        version, contract, holdout[pd >= version.cut_off][:MOST_DECLINED]
    )
    return Challenged(
        # 1
        noise_flips=_under_noise(contract, holdout, pd, version.cut_off, pd_of),
        missing_flips=_under_missing(contract, holdout, pd, version.cut_off, pd_of),
        # 2
        direction_breaks=directions_broken(contract, holdout[:MOST_VARIED], pd_of),
        ages=by_age(contract, holdout, pd, pd_of),
        # 3
        reason_agreement=agreement,
        faithful=faithful,
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


def _reasons(
    version: ModelVersion, contract: FeatureContract, declined: Floats
) -> tuple[Floats, Bools]:
    """(d,) mean agreement of reasons with those against resampled baselines, and (d,) whether they count."""
    if not len(declined):
        return np.empty(0), np.empty(0, dtype=bool)
    policy = DecisionPolicy.from_json(version.decision_policy.body)
    names = sorted(contract.reason_groups)
    members = np.array([names.index(feature.reason_group) for feature in contract.features])
    groups = [np.flatnonzero(members == group).tolist() for group in range(len(names))]
    baseline = baseline_rows(version.baseline).packed

    def reasons(attributions: Floats) -> Bools:
        sums = explanations.sums_by_group(attributions, groups)
        return explanations.principal_groups(sums, policy.materiality_floor, policy.max_reasons)

    given = reasons(score_rows(version, declined).attributions)
    generator = np.random.default_rng(robustness.DISTURBING_SEED)
    resamples = [
        baseline[generator.integers(0, len(baseline), len(baseline))] for _ in range(RESAMPLES)
    ]
    agreements = [
        explanations.agreement(given, reasons(scores.attributions))
        for scores in scores_against(version, resamples, declined)
    ]
    typical = _typical(contract, baseline)
    neutral = explanations.neutralised(declined, given, typical, members)
    faithful = score_rows(version, neutral).pd < version.cut_off
    return np.mean(agreements, axis=0), faithful


def _typical(contract: FeatureContract, baseline: Floats) -> Floats:
    """(k,): the middle value of the baseline's applicants; the commonest where values have no order."""
    return np.array(
        [
            _commonest(values) if feature.type in ("category", "boolean") else _middle(values)
            for feature, values in zip(contract.features, baseline.T, strict=True)
        ]
    )


def _middle(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.5, method="nearest")) if known.size else float("nan")


def _commonest(values: Floats) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[np.argmax(counts)])

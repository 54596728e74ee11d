"""What each check of a gate policy reads from what was measured: a number, its interval and its sample. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from governance.measured import Bools, Floats, Measured, Standing
from monitoring import drift
from registry.measures.calibration import calibration
from registry.measures.errors import NotMeasurable
from registry.measures.grades import Light, grades, recalibration, worst_grade
from registry.measures.performance import (
    accuracy_at,
    auc_difference,
    performance,
)
from registry.measures.robustness import better_if_younger
from registry.measures.statistics import Z_95, Interval, Share, share_of, wilson

Details = tuple[Mapping[str, Any], ...]
CSI_BINS = 10


@dataclass(frozen=True)
class Reading:
    """One measured number with its sample size; `value` None where the data cannot carry it, `note` says why.

    `applies` is false where the question does not arise for this version, which `note` says too.
    """

    value: float | None
    n: int
    interval: Interval | None = None
    note: str = ""
    details: Details = ()
    applies: bool = True


def elderly_age(measured: Measured, from_age: float) -> Reading:
    """Share of held-out applicants of that age and over who would score better at some younger age."""
    ages = measured.challenged.ages
    if ages is None:
        return Reading(None, 0, applies=False, note="No feature of the contract is an age.")
    old = ages.own >= from_age
    if not old.any():
        raise NotMeasurable(f"No held-out applicant is {from_age:g} or older.")
    younger = ages.grid < from_age
    if not younger.any():
        raise NotMeasurable(f"The contract allows no age below {from_age:g}.")
    worse = better_if_younger(ages.pd[old], ages.pd_at[old][:, younger])
    return _share(
        share_of(worse), f"of those aged {from_age:g} and over would score better if younger"
    )


def documents_complete(measured: Measured, kinds: Sequence[str], approved: bool) -> Reading:
    """How many of these documents say what the record says and, where `approved`, were approved. None where one was never made."""
    named = {kind: kind.replace("_", " ") for kind in kinds}
    never = [words for kind, words in named.items() if kind not in measured.documents]
    if never:
        raise NotMeasurable(f"Never generated: {', '.join(never)}.")
    enough = {Standing.APPROVED} if approved else {Standing.APPROVED, Standing.GENERATED}
    lacking = [
        f"{words} ({_LACKS[measured.documents[kind]]})"
        for kind, words in named.items()
        if measured.documents[kind] not in enough
    ]
    note = f"Not complete: {', '.join(lacking)}." if lacking else "Each says what the record says."
    return Reading(float(len(kinds) - len(lacking)), len(kinds), note=note)


_LACKS = {Standing.GENERATED: "not approved", Standing.STALE: "the record has moved on"}


def _share(share: Share, what: str) -> Reading:
    return Reading(share.value, share.n, share.interval, f"{share.count:,} of {share.n:,} {what}.")


def _share_of(holds: Bools, what: str) -> Reading:
    return _share(share_of(holds), what)


def _nulls(measured: Measured) -> Reading:
    column, share = max(measured.missing_shares.items(), key=lambda item: item[1])
    return Reading(
        share, measured.rows, note=f"{share:.2%} of {column} is missing, the most of any."
    )


def _valid_rows(measured: Measured) -> Reading:
    valid = measured.rows - measured.invalid_rows
    note = f"{measured.invalid_rows:,} rows break the contract."
    return Reading(valid / measured.rows, measured.rows, wilson(valid, measured.rows), note=note)


def _auc(measured: Measured) -> Reading:
    found = performance(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.auc, found.n, found.auc_interval)


def _gini(measured: Measured) -> Reading:
    found = performance(measured.holdout_bad, measured.holdout_pd)
    low, high = found.auc_interval.low, found.auc_interval.high
    return Reading(found.gini, found.n, Interval(2.0 * low - 1.0, 2.0 * high - 1.0))


def _accuracy(measured: Measured) -> Reading:
    bad, pd = measured.holdout_bad, measured.holdout_pd
    value = accuracy_at(bad, pd, measured.cut_off)
    return Reading(value, bad.size, wilson(round(value * bad.size), bad.size))


def _log_loss(measured: Measured) -> Reading:
    found = performance(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.log_loss, found.n)


def _champion_auc_difference(measured: Measured) -> Reading:
    champion = measured.champion
    if champion is None:
        return Reading(None, 0, applies=False, note="No other version is champion of the model.")
    if champion.pd is None:
        raise NotMeasurable(champion.note)
    rows = ~measured.in_sample & ~np.isnan(champion.pd)
    found = auc_difference(measured.bad[rows], measured.pd[rows], champion.pd[rows])
    note = f"AUC {found.first:.4f} against {found.second:.4f} of {champion.name}"
    p_value = "" if found.p_value is None else f", p {found.p_value:.3g}"
    return Reading(found.difference, found.n, found.interval, f"{note}{p_value}.")


def _ks_separation(measured: Measured) -> Reading:
    found = performance(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.ks_separation, found.n)


def _brier(measured: Measured) -> Reading:
    found = performance(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.brier, found.n)


def _calibration(measured: Measured) -> Reading:
    found = calibration(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.observed_expected, found.n, found.observed_expected_interval)


def _calibration_slope(measured: Measured) -> Reading:
    found = recalibration(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.slope, found.n, found.slope_interval)


def _calibration_intercept(measured: Measured) -> Reading:
    found = recalibration(measured.holdout_bad, measured.holdout_pd)
    return Reading(found.intercept, found.n, found.intercept_interval)


def _calibration_by_grade(measured: Measured) -> Reading:
    found = grades(measured.holdout_bad, measured.holdout_pd)
    worst = worst_grade(found)
    lights = ", ".join(f"{sum(grade.light == light for grade in found)} {light}" for light in Light)
    note = f"Of {len(found)} grades {lights}; in the worst {worst.n_bad} of {worst.n} went bad at a pd of {worst.mean_pd:.4f}."
    details = tuple(grade.as_json() for grade in found)
    return Reading(worst.jeffreys_p, measured.holdout_rows, note=note, details=details)


def _score_psi(measured: Measured) -> Reading:
    found = drift.column_drift(drift.Column("score"), measured.training_pd, measured.holdout_pd)
    return Reading(found.psi, found.n_current)


def _recent_score_psi(measured: Measured) -> Reading:
    if measured.recent.pd is None:
        return Reading(None, 0, note=measured.recent.note)
    found = drift.column_drift(drift.Column("score"), measured.training_pd, measured.recent.pd)
    note = f"{found.psi:.4f} from training to {found.n_current:,} applicants decided lately."
    return Reading(found.psi, found.n_current, note=note)


def _feature_csi(measured: Measured) -> Reading:
    return _worst_feature(measured, measured.packed[~measured.in_sample])


def _recent_feature_csi(measured: Measured) -> Reading:
    if measured.recent.packed is None:
        return Reading(None, 0, note=measured.recent.note)
    return _worst_feature(measured, measured.recent.packed)


def _worst_feature(measured: Measured, current: Floats) -> Reading:
    """Drift of the least stable feature from the rows trained on to others (n, k)."""
    found = drift.columns_drift(
        measured.columns, measured.packed[measured.in_sample], current, CSI_BINS
    )
    worst = max(found, key=lambda column: column.psi)
    note = f"{worst.psi:.4f} for {worst.name}, the most of {len(found)} features."
    details = tuple({"feature": column.name, "value": column.psi} for column in found)
    return Reading(worst.psi, worst.n_current, note=note, details=details)


def _direction_breaks(measured: Measured) -> Reading:
    by_feature = measured.challenged.direction_breaks
    if not by_feature:
        return Reading(None, 0, applies=False, note="The contract declares no direction.")
    shares = {name: share_of(breaks) for name, breaks in by_feature.items()}
    name, worst = max(shares.items(), key=lambda item: item[1].value)
    details = tuple({"feature": key, "value": share.value} for key, share in shares.items())
    return Reading(
        worst.value,
        worst.n,
        worst.interval,
        f"{worst.count:,} of {worst.n:,} applicants move against the direction declared for {name}, the most of any.",
        details,
    )


def _flips_missing(measured: Measured) -> Reading:
    flips = measured.challenged.missing_flips
    if flips is None:
        note = "No feature may be missing by the contract."
        return Reading(None, 0, applies=False, note=note)
    return _share_of(flips, "decisions flip where values go missing")


def _reason_stability(measured: Measured) -> Reading:
    agreement = measured.challenged.reason_agreement
    if agreement.size == 0:
        raise NotMeasurable("No held-out applicant is declined.")
    error = Z_95 * float(agreement.std()) / agreement.size**0.5
    mean = float(agreement.mean())
    return Reading(mean, agreement.size, Interval(max(0.0, mean - error), min(1.0, mean + error)))


def _additivity(measured: Measured) -> Reading:
    return Reading(float(measured.additivity_gaps.max()), measured.additivity_gaps.size)


def _explain_latency(measured: Measured) -> Reading:
    return Reading(float(np.percentile(measured.latencies_ms, 95)), measured.latencies_ms.size)


def _reproducibility(measured: Measured) -> Reading:
    if measured.refitted_sha256 is None:
        return Reading(
            None, 0, note="It was trained outside, so it cannot be trained again from its record."
        )
    equal = measured.refitted_sha256 == measured.content_sha256
    note = "Training again gave " + ("the same model." if equal else "another model.")
    return Reading(float(equal), 1, note=note)


READINGS: dict[str, Callable[[Measured], Reading]] = {
    "rows": lambda measured: Reading(float(measured.rows), measured.rows),
    "nulls": _nulls,
    "valid_rows": _valid_rows,
    "accuracy": _accuracy,
    "auc": _auc,
    "gini": _gini,
    "champion_auc_difference": _champion_auc_difference,
    "ks_separation": _ks_separation,
    "brier": _brier,
    "log_loss": _log_loss,
    "calibration": _calibration,
    "calibration_slope": _calibration_slope,
    "calibration_intercept": _calibration_intercept,
    "calibration_by_grade": _calibration_by_grade,
    "score_psi": _score_psi,
    "feature_csi": _feature_csi,
    "score_psi_recent": _recent_score_psi,
    "feature_csi_recent": _recent_feature_csi,
    "noise_flips": lambda measured: _share_of(
        measured.challenged.noise_flips, "decisions flip under noise"
    ),
    "missing_flips": _flips_missing,
    "monotonicity": _direction_breaks,
    "additivity": _additivity,
    "reason_stability": _reason_stability,
    "reason_faithfulness": lambda measured: _share_of(
        measured.challenged.faithful, "declined would be approved without their reasons"
    ),
    "explain_latency_p95_ms": _explain_latency,
    "reproducibility": _reproducibility,
    "baseline_rows": lambda measured: Reading(
        float(measured.baseline_rows), measured.baseline_rows
    ),
}

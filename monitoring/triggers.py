"""What crosses a policy's limits, and whether it has done so often enough to be believed. Pure.

Triggers are those of DOMAIN.md 6.2. A finding is not proof that a model is bad: it opens a question.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring.drift import ColumnDrift, MeanShift
from monitoring.policy import DriftLimits, PerformanceLimits, Persistence
from registry.measures.calibration import Calibration
from registry.measures.fairness import GroupResult, State
from registry.measures.performance import Performance

SCORE = "(score)"


class Trigger(StrEnum):
    """What was crossed. `drift_ks_d` is the KS of two populations, never that of goods and bads."""

    DRIFT_KS_D = "drift_ks_d"
    DRIFT_PSI = "drift_psi"
    PREDICTION_MEAN_SHIFT = "prediction_mean_shift"
    MISSING_RATE_SHIFT = "missing_rate_shift"
    ADVERSE_IMPACT_RATIO = "adverse_impact_ratio"
    DELAYED_LABEL_ACCURACY = "delayed_label_accuracy"
    DELAYED_LABEL_AUC = "delayed_label_auc"
    OBSERVED_EXPECTED = "observed_expected"
    REASON_FAITHFULNESS = "reason_faithfulness"
    REASON_STABILITY = "reason_stability"


OF_REASONS = frozenset({Trigger.REASON_FAITHFULNESS, Trigger.REASON_STABILITY})
"""What a new model does not answer: reasons that do not hold are wrong for whoever got them."""


class Severity(StrEnum):
    """`watch` is looked at; `breach` is acted on once it persists; `critical` at once."""

    WATCH = "watch"
    BREACH = "breach"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Finding:
    """One measure of one thing beyond a limit. `measured` is a feature, the score, or a group."""

    trigger: Trigger
    measured: str
    observed: float
    threshold: float
    severity: Severity


@dataclass(frozen=True)
class Standing:
    """How often a finding was made in the last windows, this one among them, and whether that confirms it."""

    crossed: int
    windows: int
    needed: int
    of: int
    confirmed: bool


def drift_findings(
    columns: Sequence[ColumnDrift], shift: MeanShift, limits: DriftLimits
) -> list[Finding]:
    """Limits crossed by the score (the column named SCORE), by features and by the mean prediction.

    Features outside tier 1 are watched and never in breach.
    """
    found = [finding for column in columns for finding in _column_findings(column, limits)]
    return [*found, *_shift_findings(shift, limits)]


def fairness_findings(
    results: Mapping[str, Sequence[GroupResult]], breach: float, watch: float
) -> list[Finding]:
    """Groups of each attribute whose adverse impact ratio is in breach or to be watched."""
    found = []
    for attribute, groups in results.items():
        for result in groups:
            if result.state not in (State.BREACH, State.WATCH) or result.air is None:
                continue
            severity = Severity(result.state.value)
            limit = breach if result.air < breach else watch
            found.append(
                Finding(
                    Trigger.ADVERSE_IMPACT_RATIO,
                    f"{attribute}: {result.group}",
                    result.air,
                    limit,
                    severity,
                )
            )
    return found


def performance_findings(
    accuracy: float, performance: Performance, calibration: Calibration, limits: PerformanceLimits
) -> list[Finding]:
    """Limits missed on matured labels. Accuracy alone says little where bads are few: AUC and O/E stand beside it."""
    found = []
    if accuracy < limits.accuracy_breach:
        found.append(
            Finding(
                Trigger.DELAYED_LABEL_ACCURACY,
                SCORE,
                accuracy,
                limits.accuracy_breach,
                Severity.BREACH,
            )
        )
    if performance.auc < limits.auc_breach:
        found.append(
            Finding(
                Trigger.DELAYED_LABEL_AUC,
                SCORE,
                performance.auc,
                limits.auc_breach,
                Severity.BREACH,
            )
        )
    ratio, interval = calibration.observed_expected, calibration.observed_expected_interval
    for limit, missed in (
        (limits.observed_expected_low, ratio < limits.observed_expected_low),
        (limits.observed_expected_high, ratio > limits.observed_expected_high),
    ):
        if missed:
            severity = Severity.WATCH if interval.contains(1.0) else Severity.BREACH
            found.append(Finding(Trigger.OBSERVED_EXPECTED, SCORE, ratio, limit, severity))
    return found


def standing(
    finding: Finding, earlier: Sequence[Sequence[Finding]], persistence: Persistence
) -> Standing:
    """How a drift finding stands after the windows before it, the latest first.

    Watched findings are never confirmed; critical ones at once.
    """
    looked_at = earlier[: persistence.of - 1]
    crossed = 1 + sum(any(_same(finding, other) for other in window) for window in looked_at)
    persists = finding.severity == Severity.BREACH and crossed >= persistence.needed
    return Standing(
        crossed=crossed,
        windows=1 + len(looked_at),
        needed=persistence.needed,
        of=persistence.of,
        confirmed=finding.severity == Severity.CRITICAL or persists,
    )


def _same(finding: Finding, other: Finding) -> bool:
    same = (finding.trigger, finding.measured) == (other.trigger, other.measured)
    return same and other.severity != Severity.WATCH


def _column_findings(column: ColumnDrift, limits: DriftLimits) -> Iterator[Finding]:
    if column.ks is not None:
        yield from _graded(
            Trigger.DRIFT_KS_D,
            column.name,
            column.ks,
            {
                Severity.WATCH: limits.ks_watch,
                Severity.BREACH: limits.ks_breach,
                Severity.CRITICAL: limits.ks_critical,
            },
            limits,
        )
    psi_limits = {Severity.WATCH: limits.psi_watch, Severity.BREACH: limits.psi_breach}
    yield from _graded(Trigger.DRIFT_PSI, column.name, column.psi, psi_limits, limits)
    missing_limits = {Severity.WATCH: limits.missing_watch, Severity.BREACH: limits.missing_breach}
    yield from _graded(
        Trigger.MISSING_RATE_SHIFT, column.name, abs(column.missing_change), missing_limits, limits
    )


def _graded(
    trigger: Trigger,
    name: str,
    observed: float,
    grades: Mapping[Severity, float],
    limits: DriftLimits,
) -> Iterator[Finding]:
    """The worst grade that was exceeded, if any; `grades` from the mildest."""
    exceeded = [severity for severity, limit in grades.items() if observed > limit]
    if not exceeded:
        return
    severity = exceeded[-1]
    if name != SCORE and not limits.is_tier_1(name):
        severity = Severity.WATCH
    yield Finding(trigger, name, observed, grades[severity], severity)


def _shift_findings(shift: MeanShift, limits: DriftLimits) -> Iterator[Finding]:
    size = abs(shift.shift)
    relative = abs(shift.relative or 0.0)
    if size > limits.mean_shift_breach:
        yield Finding(
            Trigger.PREDICTION_MEAN_SHIFT, SCORE, size, limits.mean_shift_breach, Severity.BREACH
        )
    elif relative > limits.mean_shift_relative_watch:
        yield Finding(
            Trigger.PREDICTION_MEAN_SHIFT,
            SCORE,
            relative,
            limits.mean_shift_relative_watch,
            Severity.WATCH,
        )

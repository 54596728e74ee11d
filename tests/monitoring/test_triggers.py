"""When a limit is crossed, and when that is believed."""

import numpy as np
import pytest

from monitoring.drift import Column, column_drift, mean_shift
from monitoring.policy import MonitoringPolicy, Persistence
from monitoring.triggers import (
    SCORE,
    Finding,
    Severity,
    Trigger,
    drift_findings,
    fairness_findings,
    performance_findings,
    standing,
)
from registry.measures.calibration import calibration
from registry.measures.fairness import adverse_impact
from registry.measures.performance import performance
from tests.monitoring.builders import a_policy_body

STILL = mean_shift(np.array([0.1, 0.3]), np.array([0.1, 0.3]))


def limits(**changes):
    return MonitoringPolicy.from_json(a_policy_body(drift=changes)).drift


def moved(by, name="dti"):
    """A column whose KS against its reference is `by`, since that share moves beyond all others."""
    reference = np.linspace(0, 1, 1_000)
    current = reference.copy()
    current[: int(by * 1_000)] = 2.0
    return column_drift(Column(name), reference, current)


def of_trigger(findings, trigger):
    return [finding for finding in findings if finding.trigger == trigger]


@pytest.mark.parametrize(
    ("by", "severity"),
    [(0.08, None), (0.12, "watch"), (0.2, "breach"), (0.4, "critical")],
)
def test_ks_is_graded_by_the_policy(by, severity):
    found = of_trigger(drift_findings([moved(by)], STILL, limits()), Trigger.DRIFT_KS_D)

    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_a_limit_is_crossed_only_above_it():
    found = drift_findings([moved(0.2)], STILL, limits(ks_breach=moved(0.2).ks))

    assert [f.severity for f in of_trigger(found, Trigger.DRIFT_KS_D)] == ["watch"]


def test_another_policy_judges_the_same_numbers_otherwise():
    found = drift_findings([moved(0.2)], STILL, limits(ks_breach=0.25))

    assert [f.severity for f in of_trigger(found, Trigger.DRIFT_KS_D)] == ["watch"]


def test_features_outside_tier_1_are_watched_and_no_more():
    columns = [moved(0.4, "purpose"), moved(0.4, SCORE)]

    found = drift_findings(columns, STILL, limits(tier_1_features=["dti"]))

    assert {(f.measured, f.severity) for f in of_trigger(found, Trigger.DRIFT_KS_D)} == {
        ("purpose", "watch"),
        (SCORE, "critical"),
    }


def test_missing_values_are_a_trigger_of_their_own():
    current = np.linspace(0, 1, 1_000)
    current[::10] = np.nan
    column = column_drift(Column("income"), np.linspace(0, 1, 1_000), current)

    found = of_trigger(drift_findings([column], STILL, limits()), Trigger.MISSING_RATE_SHIFT)

    assert [(f.observed, f.severity) for f in found] == [(pytest.approx(0.1), "breach")]


@pytest.mark.parametrize(
    ("current", "severity", "observed"),
    [([0.05, 0.05], None, None), ([0.065, 0.065], "watch", 0.3), ([0.2, 0.2], "breach", 0.15)],
)
def test_a_mean_shift_is_judged_in_points_and_watched_relative_to_the_mean(
    current, severity, observed
):
    shift = mean_shift(np.array([0.04, 0.06]), np.array(current))

    found = drift_findings([], shift, limits())

    assert [(f.severity, f.observed) for f in found] == (
        [(severity, pytest.approx(observed))] if severity else []
    )


def test_persistence_counts_windows_in_which_the_same_thing_was_in_breach():
    finding = Finding(Trigger.DRIFT_KS_D, "dti", 0.2, 0.15, Severity.BREACH)
    watched = Finding(Trigger.DRIFT_KS_D, "dti", 0.12, 0.1, Severity.WATCH)
    other = Finding(Trigger.DRIFT_KS_D, "income", 0.2, 0.15, Severity.BREACH)
    two_of_three = Persistence(needed=2, of=3)

    assert not standing(finding, [], two_of_three).confirmed
    assert not standing(finding, [[other], [watched]], two_of_three).confirmed
    assert standing(finding, [[], [finding]], two_of_three).confirmed
    assert not standing(finding, [[], [], [finding]], two_of_three).confirmed


def test_a_critical_finding_is_believed_at_once():
    finding = Finding(Trigger.DRIFT_KS_D, SCORE, 0.5, 0.3, Severity.CRITICAL)

    assert standing(finding, [], Persistence(needed=3, of=3)).confirmed


def test_a_watched_finding_is_never_confirmed():
    finding = Finding(Trigger.DRIFT_PSI, "dti", 0.12, 0.1, Severity.WATCH)

    assert not standing(finding, [[finding], [finding]], Persistence(needed=1, of=3)).confirmed


def test_groups_in_breach_and_to_be_watched_are_found_with_the_limit_they_crossed():
    approved = np.concatenate([np.arange(500) < 200, np.arange(500) < 330, np.arange(600) < 480])
    groups = np.repeat(["low", "middle", "control"], [500, 500, 600])
    results = adverse_impact(approved, groups, "control", breach=0.8, watch=0.9)

    found = fairness_findings({"race": results}, 0.8, 0.9)

    assert [(f.measured, f.threshold, f.severity) for f in found] == [
        ("race: low", 0.8, "breach"),
        ("race: middle", 0.9, "watch"),
    ]


def test_matured_labels_are_judged_by_accuracy_auc_and_expectation():
    generator = np.random.default_rng(1)
    pd = generator.uniform(0.05, 0.6, 2_000)
    bad = generator.random(2_000) < 0.5
    policy = MonitoringPolicy.from_json(a_policy_body()).performance

    found = performance_findings(0.5, performance(bad, pd), calibration(bad, pd), policy)

    assert {f.trigger for f in found} == {
        "delayed_label_accuracy",
        "delayed_label_auc",
        "observed_expected",
    }
    assert {f.severity for f in found} == {"breach"}


def test_an_expectation_missed_within_chance_is_watched():
    pd = np.full(40, 0.2)
    bad = np.arange(40) < 11
    policy = MonitoringPolicy.from_json(a_policy_body(performance={"auc_breach": 0.0})).performance

    found = performance_findings(1.0, performance(bad, pd), calibration(bad, pd), policy)

    assert [(f.trigger, f.severity) for f in found] == [("observed_expected", "watch")]

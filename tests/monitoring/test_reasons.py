"""Whether the reasons that applicants were given are true: measured, reported, and answered."""

import numpy as np
import pytest

from audit.models import Entry
from governance import sweeps
from governance.models import Incident, RetrainingCase
from monitoring.actions.passes import request_pass
from monitoring.errors import MonitoringPolicyMalformed, NothingToMeasure
from monitoring.models import Alert
from monitoring.policy import MonitoringPolicy, ReasonLimits
from monitoring.reasons import by_group, evenly, measure_reasons, reason_findings
from registry.measures import explanations
from serving.models import Decision
from serving.reason_trials import try_reasons
from tests.monitoring.builders import (
    POLICY_BODY,
    a_draft,
    a_monitored_champion,
    a_report,
    decided,
    known_demographics,
    the_supplier,
)
from tests.registry import builders as registry
from tests.serving.builders import GOOD, a_champion, a_decision

LIMITS = {
    "most_tried": 200,
    "minimum_declined": 5,
    "faithful_breach": 0.5,
    "agreement_breach": 0.5,
}


def a_watched_champion(**limits):
    """A champion whose policy has a part on reasons."""
    version = a_champion()
    body = {**POLICY_BODY, "reasons": {**LIMITS, **limits}}
    registry.a_policy("monitoring", body, name=version.model.name)
    return version


# Numbers.


def measured(faithful, agreement, first=None, **limits):
    asked = ReasonLimits(**{**LIMITS, **limits})
    faithful = np.array(faithful, dtype=bool)
    first = first or ["income"] * faithful.size
    return measure_reasons(50, first, faithful, np.array(agreement, dtype=float), asked), asked


def test_shares_are_of_those_tried_and_by_the_reason_named_first():
    found, _ = measured([1, 1, 0, 1], [1.0, 0.5, 0.5, 1.0], ["income", "income", "debt", "debt"])

    assert (found.n_declined, found.overall.n) == (50, 4)
    assert found.overall.faithful == 0.75
    assert found.overall.agreement == 0.75
    assert {row.name: row.faithful for row in found.by_first_reason} == {"debt": 0.5, "income": 1.0}


def test_limits_are_missed_below_them_and_not_at_them():
    at, asked = measured([1, 0] * 5, [0.5] * 10)
    below, _ = measured([1, 0, 0] * 5, [0.4] * 15)

    assert list(reason_findings(at, asked)) == []
    assert [(f.trigger, f.severity) for f in reason_findings(below, asked)] == [
        ("reason_faithfulness", "breach"),
        ("reason_stability", "breach"),
    ]


def test_too_few_declines_miss_no_limit():
    few, asked = measured([0] * 4, [0.0] * 4)

    assert not few.sufficient
    assert list(reason_findings(few, asked)) == []


def test_a_group_too_small_to_show_is_named_without_its_numbers():
    faithful, agreement = np.ones(60, dtype=bool), np.ones(60)
    many, some = np.arange(60) < 45, np.arange(60) >= 45
    few = np.arange(60) < 4

    rows = by_group({"sex": {"f": many, "m": some, "x": few}}, faithful, agreement, 30)["sex"]

    assert [(row.name, row.n, row.faithful) for row in rows] == [
        ("f", 45, 1.0),
        ("m", 15, None),
        ("x", None, None),
    ]


def test_declines_are_tried_evenly_over_the_window():
    assert evenly(3, 5).tolist() == [0, 1, 2]
    assert evenly(100, 3).tolist() == [0, 50, 99]


def test_typical_is_the_middle_and_of_what_has_no_order_the_commonest():
    rows = np.array([[1.0, 0.0], [5.0, 2.0], [np.nan, 2.0], [9.0, 1.0]])

    assert explanations.typical_values(rows, [False, True]).tolist() == [5.0, 2.0]


def test_a_policy_may_leave_reasons_out_but_not_misspell_them():
    assert MonitoringPolicy.from_json(POLICY_BODY).reasons is None
    with pytest.raises(MonitoringPolicyMalformed) as refusal:
        MonitoringPolicy.from_json({**POLICY_BODY, "reasons": {**LIMITS, "faithful_breach": 2}})
    assert [problem.field for problem in refusal.value.errors] == ["reasons.faithful_breach"]


# Reports.


@pytest.mark.django_db
def test_the_reasons_given_to_those_declined_by_score_are_tried():
    version = a_watched_champion()
    decided(version, 150, riskier=True)

    draft = a_draft(version, "reasons")

    found = draft.results["reasons"]
    by_score = Decision.objects.filter(outcome="declined", decision_path="score").count()
    assert found["n_declined"] == found["overall"]["n"] == by_score > 30
    assert found["overall"]["faithful"] > 0.9
    assert found["overall"]["agreement"] > 0.9
    assert draft.found == ()
    assert b"Faithful" in draft.page
    assert b"<svg" in draft.page or b"image/svg" in draft.page
    assert draft.pdf.startswith(b"%PDF")


@pytest.mark.django_db
def test_reasons_that_did_not_count_are_found_out():
    """Where the groups named are those that weigh least, setting them to typical values changes no outcome."""
    version = a_watched_champion()
    decided(version, 60, riskier=True)
    window = Decision.objects.filter(outcome="declined", decision_path="score")
    packed = np.array([np.frombuffer(each.observation.packed) for each in window])
    given = [[r["reason_group"] for r in each.observation.reasons] for each in window]
    wrong = [["purpose"] for _ in given]

    true, untrue = try_reasons(version, packed, given), try_reasons(version, packed, wrong)

    assert true.faithful.mean() > 0.9
    assert untrue.faithful.mean() < 0.5
    assert untrue.agreement.mean() < true.agreement.mean()


@pytest.mark.django_db
def test_the_part_is_measured_where_the_policy_has_it_and_left_out_where_not(operator):
    watched, silent = a_watched_champion(), a_monitored_champion()

    assert request_pass(watched.model.name, by=operator, send=False).kinds[-1] == "reasons"
    assert "reasons" not in request_pass(silent.model.name, by=operator, send=False).kinds
    decided(silent, 60, riskier=True)
    with pytest.raises(NothingToMeasure, match="says nothing of reasons"):
        a_draft(silent, "reasons")


@pytest.mark.django_db
def test_a_window_without_a_decline_by_score_has_nothing_to_try():
    version = a_watched_champion()
    a_decision(version, **GOOD)

    with pytest.raises(NothingToMeasure, match="declined nobody by score"):
        a_draft(version, "reasons")


@pytest.mark.django_db
def test_reasons_below_the_limit_raise_an_alert_that_opens_one_incident_and_no_case():
    version = a_watched_champion(agreement_breach=1.0, faithful_breach=1.0)
    decided(version, 100, riskier=True)
    report = a_report(version, "reasons")
    assert Alert.objects.filter(report=report).exists()

    sweeps.open_incidents()
    sweeps.open_incidents()
    sweeps.open_cases()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("untrue_reasons", version)
    assert "below 1" in incident.summary
    assert not RetrainingCase.objects.exists()
    assert Entry.objects.filter(event="monitoring.alert.raised").exists()


@pytest.mark.django_db
def test_groups_are_told_in_the_report_that_compares_groups_alone():
    version = a_watched_champion()
    decided(version, 150, riskier=True)
    known_demographics(150, by=the_supplier(), riskier=True)

    of_groups = a_draft(version, "fairness", sources=["decisions"])
    of_reasons = a_draft(version, "reasons")

    rows = {row["name"]: row for row in of_groups.results["reasons"]["sex"]}
    assert set(rows) == {"men", "women"}
    assert rows["women"]["faithful"] is not None
    assert b"Reasons by group" in of_groups.page
    assert "women" not in str(of_reasons.results)
    assert b"women" not in of_reasons.page
    assert of_reasons.protected_people == 0


@pytest.mark.django_db
def test_the_report_is_read_over_rest_like_the_others(auditor, signed_in):
    version = a_watched_champion()
    decided(version, 60, riskier=True)
    report = a_report(version, "reasons")

    answer = signed_in(auditor).get(f"/api/v1/models/{version.model.name}/reports/reasons")

    assert answer.status_code == 200
    assert answer.json()["sha256"] == report.sha256
    assert answer.json()["results"]["reasons"]["overall"]["n"] > 0

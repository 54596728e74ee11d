"""Reports as drafted: what they measure, what they find, what they say, and what they leave out."""

import json
import re
from datetime import timedelta

import numpy as np
import pytest

from audit.actions.subjects import erase_subject
from audit.errors import NotPermitted
from monitoring.drafting.reports import draft_report
from monitoring.errors import (
    MonitoringPolicyMalformed,
    NoMonitoringPolicy,
    NothingToMeasure,
    NoVersionToMonitor,
    WindowMalformed,
)
from monitoring.models import ProtectedValue
from registry.errors import UnknownModel
from tests.monitoring.builders import (
    LONG_AGO,
    POLICY_BODY,
    a_draft,
    a_monitored_champion,
    a_monitoring_policy,
    ago,
    decided,
    disparate_demographics,
    known_demographics,
    known_rows,
    labelled,
    the_monitor,
    the_supplier,
)
from tests.registry import builders as registry

pytestmark = pytest.mark.django_db


def found(draft):
    return {(finding.trigger.value, finding.measured) for finding, _ in draft.found}


def test_decisions_about_the_population_a_model_was_trained_on_cross_no_limit():
    version = a_monitored_champion()
    decided(version, 1_500)

    draft = a_draft(version, "drift")

    assert draft.found == ()
    assert draft.results["drift"]["sufficient"]
    assert draft.results["drift"]["n"] == 1_500


def test_a_riskier_population_is_found_by_feature_and_by_score():
    version = a_monitored_champion()
    decided(version, 400, riskier=True)

    draft = a_draft(version, "drift")

    assert ("drift_ks_d", "dti") in found(draft)
    assert ("drift_ks_d", "(score)") in found(draft)
    assert ("drift_ks_d", "income") not in found(draft)


def test_a_window_too_small_for_a_verdict_finds_nothing_and_says_so():
    version = a_monitored_champion(drift={"minimum_current": 1_000})
    decided(version, 120, riskier=True)

    draft = a_draft(version, "drift")

    assert draft.found == ()
    assert not draft.results["drift"]["sufficient"]
    assert b"The window holds 120 decisions; 1,000 are needed for a verdict" in draft.page


def test_scores_are_compared_with_rows_that_the_model_did_not_see():
    version = a_monitored_champion()
    decided(version)

    assert b"360 held-out rows" in a_draft(version, "drift").page


def test_where_few_rows_were_held_out_scores_are_compared_with_all_and_the_report_says_so():
    version = a_monitored_champion(drift={"minimum_reference": 500})
    decided(version)

    assert b"all 1,200 rows, since only 360 were held out" in a_draft(version, "drift").page


def test_a_fairness_report_compares_decisions_and_the_training_data_apart():
    version = a_monitored_champion()
    decided(version, 300)
    known_demographics(300, by=the_supplier())
    known_rows(version, by=the_supplier())

    draft = a_draft(version, "fairness")

    titles = [(part["title"], part["n"]) for part in draft.results["comparisons"]]
    assert titles == [
        ("Decisions in the window", 300),
        ("Training data set, all rows", 1200),
        ("Training data set, rows the model was trained on", 840),
        ("Training data set, rows held out", 360),
    ]
    assert draft.protected_columns == ("age", "sex")
    assert draft.protected_people == 300 + 1200
    assert b"age, sex of 1,500 people were read for this report" in draft.page


def test_groups_too_small_carry_no_verdict_and_leave_no_number():
    version = a_monitored_champion()
    decided(version, 60)
    known_demographics(60, by=the_supplier())

    draft = a_draft(version, "fairness", sources=["decisions"])

    [comparison] = draft.results["comparisons"]
    states = {row["group"]: row["state"] for row in comparison["groups"]["sex"]}
    assert states == {"men": "reference", "women": "insufficient_data"}
    [hidden] = [row for row in comparison["groups"]["age"] if row["group"] == "62 and over"]
    assert hidden["shown"] is False
    assert {hidden[name] for name in ("n", "approvals", "rate", "air", "p_value")} == {None}
    assert b"too few to show" in draft.page


def test_attributes_that_nobody_supplied_are_named_and_not_guessed():
    version = a_monitored_champion()
    decided(version)

    draft = a_draft(version, "fairness", sources=["decisions"])

    [comparison] = draft.results["comparisons"]
    assert comparison["known"] == {"sex": 0, "age": 0}
    assert comparison["groups"] == {}
    assert set(comparison["impossible"]) == {"sex", "age"}


def test_a_group_approved_less_often_is_found():
    version = a_monitored_champion()
    disparate_demographics(decided(version, 400), by=the_supplier())

    draft = a_draft(version, "fairness", sources=["decisions"])

    assert found(draft) == {("adverse_impact_ratio", "sex: women")}
    assert all(standing.confirmed for _, standing in draft.found)
    assert b"approvals short" in draft.page


def test_erased_people_are_not_in_a_report(privacy_officer):
    version = a_monitored_champion()
    decisions = decided(version, 150)
    known_demographics(150, by=the_supplier())
    erase_subject(
        decisions[0].subject_id, by=privacy_officer, legal_basis="GDPR 17", reason="Asked for."
    )

    draft = a_draft(version, "fairness", sources=["decisions"])

    assert draft.protected_people == 149


def test_protected_attributes_are_not_read_for_a_reader_without_the_permission(lending):
    version = a_monitored_champion()
    decided(version)

    with pytest.raises(NotPermitted):
        draft_report(
            version.model.name,
            "fairness",
            LONG_AGO,
            ago(seconds=0),
            as_of=ago(seconds=0),
            reader=lending,
        )


def test_performance_counts_matured_labels_only():
    version = a_monitored_champion()
    decisions = decided(version, 300)
    labelled(decisions[:200])
    labelled(decisions[200:260], matured=False)

    draft = a_draft(version, "performance")

    measured = draft.results["performance"]
    assert measured["n_matured"] == 200
    assert measured["performance"]["n"] == 200
    assert sum(row["labelled"] for row in measured["coverage"]) == 260
    assert sum(row["decided"] for row in measured["coverage"]) == 300
    assert b"200 of 300 decisions have a matured label (66.7 %)" in draft.page


def test_labels_as_the_model_predicted_them_cross_no_limit():
    version = a_monitored_champion()
    labelled(decided(version, 500))

    assert a_draft(version, "performance").found == ()


def test_too_few_matured_labels_give_numbers_and_no_verdict():
    version = a_monitored_champion(performance={"accuracy_breach": 1.0})
    labelled(decided(version, 90))

    draft = a_draft(version, "performance")

    assert draft.found == ()
    assert draft.results["performance"]["performance"]["n"] == 90
    assert b"90 matured labels; 100 are needed for a verdict" in draft.page


def test_without_any_label_the_report_says_what_is_missing():
    version = a_monitored_champion()
    decided(version)

    draft = a_draft(version, "performance")

    assert draft.results["performance"]["performance"] is None
    assert b"There are no accounts to measure" in draft.page


@pytest.mark.parametrize("kind", ["drift", "fairness", "performance"])
def test_every_report_says_of_what_when_and_by_which_limits(kind):
    version = a_monitored_champion()
    decided(version)

    draft = a_draft(version, kind)

    about = draft.results["about"]
    assert about["artefact_sha256"] == version.artefact_id
    assert about["policy_version"] == 1
    assert about["as_of"] == draft.as_of.isoformat()
    assert about["code_revision"]
    page = draft.page.decode()
    for fact in (version.artefact_id, version.dataset.sha256, "As of", "Data cut", "Definitions"):
        assert fact in page
    assert draft.pdf.startswith(b"%PDF-1.7")


@pytest.mark.parametrize("kind", ["drift", "fairness", "performance"])
def test_no_report_gives_a_verdict_that_is_not_its_to_give(kind):
    version = a_monitored_champion()
    decided(version, 150)
    known_demographics(150, by=the_supplier())
    known_rows(version, by=the_supplier())

    page = a_draft(version, kind).page.decode()

    assert not re.search(
        r"\b(un)?fair\b|\bcompliant\b|\bdiscriminat|\bbias score\b", page, re.IGNORECASE
    )


def test_equal_inputs_give_an_equal_report():
    version = a_monitored_champion()
    decided(version)
    now = ago(seconds=0)

    first, second = (
        draft_report(version.model.name, "drift", LONG_AGO, now, as_of=now, reader=the_monitor())
        for _ in range(2)
    )

    assert (first.results, first.page, first.pdf) == (second.results, second.page, second.pdf)


@pytest.mark.parametrize("kind", ["drift", "fairness", "performance"])
def test_results_are_plain_json(kind):
    version = a_monitored_champion()
    labelled(decided(version, 150))
    known_demographics(150, by=the_supplier())

    results = a_draft(version, kind).results

    assert json.loads(json.dumps(results, allow_nan=False))


def test_a_report_without_limits_is_refused():
    version = registry.a_version(stage="production")
    decided(version, 5)

    with pytest.raises(NoMonitoringPolicy, match="without limits nothing can be judged"):
        a_draft(version)


def test_a_policy_that_cannot_be_used_is_refused_by_name():
    version = registry.a_version(stage="production")
    registry.a_policy("monitoring", {"drift": POLICY_BODY["drift"]}, name=version.model.name)
    decided(version, 5)

    with pytest.raises(MonitoringPolicyMalformed):
        a_draft(version)


@pytest.mark.parametrize("kind", ["drift", "performance"])
def test_a_window_without_decisions_is_refused(kind):
    version = a_monitored_champion()

    with pytest.raises(NothingToMeasure):
        a_draft(version, kind)


def test_a_model_without_a_champion_is_refused():
    version = registry.a_version(stage="staging")
    a_monitoring_policy(version)

    with pytest.raises(NoVersionToMonitor):
        a_draft(version)


def test_an_unknown_model_is_refused():
    now = ago(seconds=0)

    with pytest.raises(UnknownModel):
        draft_report("nothing", "drift", LONG_AGO, now, as_of=now, reader=the_monitor())


@pytest.mark.parametrize(("start", "end"), [(1, 1), (0, 0), (-1, 0)])
def test_a_window_ends_after_it_begins_and_not_in_the_future(start, end):
    version = a_monitored_champion()
    now = ago(seconds=0)
    begins, ends = now - timedelta(hours=start), now + timedelta(hours=end)

    with pytest.raises(WindowMalformed):
        draft_report(
            version.model.name,
            "drift",
            begins,
            ends,
            as_of=now,
            reader=the_monitor(),
        )


def test_the_version_that_decided_last_in_the_window_is_measured():
    first = a_monitored_champion()
    decided(first)
    second = registry.a_version(first.model, stage="production")

    assert a_draft(first).version == first
    decided(second, seed=9)
    assert a_draft(first).version == second


def test_no_protected_value_leaves_in_a_report():
    version = a_monitored_champion()
    decided(version, 150)
    known_demographics(150, by=the_supplier())

    draft = a_draft(version, "fairness", sources=["decisions"])

    subjects = {str(value) for value in ProtectedValue.objects.values_list("subject_id", flat=True)}
    text = json.dumps(draft.results) + draft.page.decode()
    assert not any(subject in text for subject in subjects)
    assert np.isfinite(draft.results["comparisons"][0]["groups"]["sex"][1]["air"])


def test_a_policy_that_knows_no_groups_makes_no_fairness_report_and_says_so():
    version = registry.a_version(stage="production")
    registry.a_policy("monitoring", {**POLICY_BODY, "fairness": None}, name=version.model.name)
    decided(version, 5)

    with pytest.raises(NothingToMeasure, match="compares no groups"):
        a_draft(version, "fairness")
    assert a_draft(version, "drift").results["drift"]["n"] == 5

"""A version is measured from what was registered, by a process that may decide nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from audit.store import content_store
from governance.actions.gates import complete_gates, request_gates, start_gates
from governance.errors import (
    AlreadyMeasuring,
    GateRunNotQueued,
    GateRunNotRunning,
    NoGatePolicy,
    NoSuchGateRun,
)
from governance.gate_runs import carry_out
from governance.models import GateReport, GateRun
from governance.queries.gates import gate_runs_waiting
from tests.governance.builders import (
    a_champion,
    a_check,
    a_gate_policy,
    a_report,
    what_was_measured,
)
from tests.registry.builders import a_run, a_version
from tests.serving.builders import a_champion as a_deciding_champion
from tests.serving.builders import a_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def retrainer(db):
    return service_account("retrainer")


def measured_for_real(version, by):
    run = request_gates(version, by=by)
    return carry_out(run.pk, by=service_account("retrainer"))


@pytest.mark.parametrize("algorithm", ["logistic_regression", "hist_gradient_boosting"])
def test_a_version_is_measured_from_what_was_registered(developer, algorithm):
    checks = [
        a_check("rows", minimum=1000),
        a_check("nulls", maximum=0.2),
        a_check("auc", minimum=0.5),
        a_check("brier", maximum=0.25),
        a_check("valid_rows", minimum=1),
        a_check("accuracy", minimum=0.5),
        a_check("gini", minimum=0),
        a_check("champion_auc_difference", minimum=0),
        a_check("log_loss", maximum=1),
        a_check("calibration_slope", minimum=0, maximum=3),
        a_check("calibration_intercept", minimum=-2, maximum=2),
        a_check("calibration_by_grade", minimum=0),
        a_check("score_psi", maximum=5),
        a_check("feature_csi", maximum=1),
        a_check("noise_flips", maximum=0.2),
        a_check("missing_flips", maximum=0.2),
        a_check("monotonicity", maximum=0 if algorithm == "hist_gradient_boosting" else 1),
        a_check("elderly_age", maximum=0, from_age=62),
        a_check("reason_stability", minimum=0.5),
        a_check("reason_faithfulness", minimum=0.5),
        a_check("additivity", maximum=1e-6),
        a_check("explain_latency_p95_ms", maximum=1000),
        a_check("reproducibility"),
        a_check("baseline_rows", minimum=300),
        a_check("adverse_impact", "watch", minimum=0.8),
    ]
    a_gate_policy(checks=checks)
    version = a_version(algorithm=algorithm)

    report = measured_for_real(version, developer)

    statuses = {result["check"]: result["status"] for result in report.results}
    assert statuses.pop("adverse_impact") == "insufficient_data"
    assert statuses == dict.fromkeys(statuses, "pass")
    assert report.passed
    assert report.run.state == "measured"
    entry = parse(bytes(report.entry.body))
    assert entry["actor"]["on_behalf_of"] == "dana"
    assert entry["public"]["report_sha256"] == report.sha256


def test_those_whom_the_model_decided_lately_are_scored_and_compared_with_training(developer):
    a_gate_policy(
        checks=[a_check("score_psi_recent", maximum=9), a_check("feature_csi_recent", maximum=9)]
    )
    champion = a_deciding_champion()
    challenger = a_version(champion.model, run=champion.run)

    (none, *_) = measured_for_real(challenger, developer).results
    for dti in (3.0, 40.0, 55.0):
        a_decision(champion, dti=dti)
    lately = measured_for_real(challenger, developer).results

    assert (none["status"], none["value"]) == ("insufficient_data", None)
    assert "decided nobody in the last 90 days" in none["why"]
    assert [(result["status"], result["n"]) for result in lately] == [("pass", 3), ("pass", 3)]
    assert all(result["value"] > 0.25 for result in lately)  # three people are no population


def test_measuring_twice_makes_two_reports(developer):
    a_gate_policy()
    version = a_version()

    first, second = a_report(version), a_report(version)

    assert first.sha256 != second.sha256
    assert GateReport.objects.count() == 2


def test_a_version_whose_artefact_was_changed_is_not_measured(developer):
    a_gate_policy()
    version = a_version()
    path = content_store().path("artefacts", version.artefact_id)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    assert measured_for_real(version, developer) is None

    run = GateRun.objects.get()
    assert run.state == "failed"
    assert "cannot score" in run.error
    assert not GateReport.objects.exists()


def test_without_a_policy_nothing_is_measured(developer):
    with pytest.raises(NoGatePolicy):
        request_gates(a_version(), by=developer)


def test_a_version_is_measured_by_one_worker_at_a_time(developer, retrainer):
    a_gate_policy()
    version = a_version()
    run = request_gates(version, by=developer)

    with pytest.raises(AlreadyMeasuring):
        request_gates(version, by=developer)
    start_gates(run.pk, by=retrainer)
    with pytest.raises(GateRunNotQueued):
        start_gates(run.pk, by=retrainer)


def test_a_measuring_whose_worker_died_is_taken_by_another(developer, retrainer):
    a_gate_policy()
    run = request_gates(a_version(), by=developer)
    start_gates(run.pk, by=retrainer)
    now = timezone.now()
    assert not gate_runs_waiting(now, now)

    GateRun.objects.update(started_at=now - timedelta(minutes=31))

    assert list(gate_runs_waiting(now, now)) == [run]
    start_gates(run.pk, by=retrainer)


def test_a_measuring_whose_message_was_lost_is_found_by_the_sweep(developer):
    a_gate_policy()
    run = request_gates(a_version(), by=developer)
    later = timezone.now() + timedelta(minutes=3)

    assert list(gate_runs_waiting(later, later)) == [run]


def test_a_measuring_ends_once(developer, retrainer):
    a_gate_policy()
    run = request_gates(a_version(), by=developer)

    with pytest.raises(GateRunNotRunning):
        complete_gates(run.pk, what_was_measured(), by=retrainer)
    with pytest.raises(NoSuchGateRun):
        start_gates(uuid4(), by=retrainer)


def test_the_person_who_asks_cannot_write_the_report(developer, retrainer):
    a_gate_policy()
    run = request_gates(a_version(), by=developer)
    start_gates(run.pk, by=retrainer)

    with pytest.raises(NotPermitted):
        complete_gates(run.pk, what_was_measured(), by=developer)


def test_the_report_says_which_protected_attributes_were_read(developer):
    a_gate_policy()

    report = a_report(a_version())

    public = parse(bytes(Entry.objects.get(pk=report.entry_id).body))["public"]
    assert public["protected_columns_read"] == ["age"]
    assert public["people_read"] == 2000


def test_a_challenger_is_compared_with_the_champion_on_rows_that_neither_was_trained_on(
    developer, validator, approver
):
    champion = a_champion(developer, validator, approver)
    a_gate_policy(champion.model.name, [a_check("champion_auc_difference", minimum=-1)])
    run = a_run(champion.model, dataset=champion.dataset, requested_by=developer)

    report = measured_for_real(a_version(run=run), developer)

    (verdict,) = report.results
    assert verdict["status"] == "pass"
    assert str(champion) in verdict["why"]
    assert verdict["n"] > 0

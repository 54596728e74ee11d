"""A case has a deadline from its first moment, is carried by whoever works, and is answered by people."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from governance import gate_runs, retraining, sweeps
from governance.actions.cases import (
    begin_case_step,
    close_with_champion,
    close_without_retraining,
    finish_case_step,
    mark_breached,
    open_case,
    warn_of_clock,
)
from governance.actions.changes import approve_change, reject_change
from governance.actions.gates import request_gates
from governance.actions.versions import suspend_version
from governance.errors import (
    CandidateNotChampion,
    CaseAlreadyOpen,
    CaseClosed,
    ClockNotThere,
    NoSuchCase,
    RationaleMissing,
    StepTaken,
)
from governance.models import CaseStep, CaseWarning, ChangeRequest, RetrainingCase
from governance.queries.cases import (
    BY_HAND,
    CAUSES,
    alerts_without_case,
    case_with,
    next_step,
    open_cases,
)
from governance.retraining import advance
from monitoring.triggers import OF_REASONS, Trigger
from registry.models import Dataset, ModelVersion, Run
from registry.queries import champion
from tests.governance.builders import (
    WHY,
    a_champion,
    a_gate_policy,
    a_retraining_policy,
    read_and_approve,
)
from tests.monitoring import builders as monitoring
from tests.registry.builders import a_model

pytestmark = pytest.mark.django_db
Step = CaseStep.Name


@pytest.fixture
def retrainer(db):
    return service_account("retrainer")


@pytest.fixture
def monitor(db):
    return service_account("monitor")


@pytest.fixture
def in_service(developer, validator, approver):
    """A champion with all its policies, whose applicants changed and whose outcomes are known."""
    version = a_champion(developer, validator, approver)
    a_retraining_policy()
    monitoring.a_monitoring_policy(version)
    monitoring.labelled(monitoring.decided(version, 150, riskier=True))
    return version


def a_case(version_or_model, operator, cause=BY_HAND) -> RetrainingCase:
    model = getattr(version_or_model, "model", version_or_model)
    return open_case(model, cause, "Applicants look different.", by=operator)


def carried(case, retrainer) -> RetrainingCase:
    advance(case.pk, by=retrainer)
    return case_with(case.pk)


def outcomes(case) -> dict[str, str]:
    return {step.step: step.outcome for step in case.steps.all()}


def test_a_case_has_its_deadline_from_the_first_moment(operator):
    case = a_case(a_model(), operator)

    assert case.due_at - case.detected_at == timedelta(hours=24)
    assert case.state == "open"
    entry = parse(bytes(case.entry.body))
    assert entry["event"] == "governance.case.opened"
    assert entry["public"]["due_at"] > entry["public"]["detected_at"]


def test_the_deadline_of_a_case_cannot_be_moved(operator):
    case = a_case(a_model(), operator)

    with pytest.raises(IntegrityError), transaction.atomic():
        RetrainingCase.objects.update(due_at=case.due_at + timedelta(days=7))


def test_a_case_is_opened_with_a_reason_and_once_per_cause(operator):
    model = a_model()
    with pytest.raises(RationaleMissing):
        open_case(model, BY_HAND, " ", by=operator)
    a_case(model, operator)

    with pytest.raises(CaseAlreadyOpen):
        a_case(model, operator)
    a_case(model, operator, "population_drift")


def test_a_developer_opens_no_case(developer):
    with pytest.raises(NotPermitted):
        a_case(a_model(), developer)


def test_an_alert_that_persisted_opens_a_case_whose_clock_began_when_it_was_detected(in_service):
    report = monitoring.a_report(in_service)
    confirmed = report.alerts.filter(confirmed=True)
    assert confirmed, "the shifted applicants cross a critical limit"

    sweeps.open_cases()

    case = RetrainingCase.objects.get()
    assert case.cause == "population_drift"
    assert case.detected_at == confirmed.first().detected_at
    assert {link.alert_id for link in case.alerts.all()} == {alert.pk for alert in confirmed}
    assert not alerts_without_case()


def test_a_further_alert_of_the_same_cause_joins_the_open_case(in_service):
    monitoring.a_report(in_service)
    sweeps.open_cases()
    known = RetrainingCase.objects.get().alerts.count()

    monitoring.a_report(in_service)
    sweeps.open_cases()

    assert RetrainingCase.objects.get().alerts.count() > known
    assert Entry.objects.filter(event="governance.case.alert_attached").exists()


def test_an_alert_that_did_not_persist_opens_no_case(in_service, monkeypatch):
    report = monitoring.a_report(in_service)
    unconfirmed = report.alerts.filter(confirmed=False)

    sweeps.open_cases()

    answered = {
        link.alert_id for case in RetrainingCase.objects.all() for link in case.alerts.all()
    }
    assert answered.isdisjoint({alert.pk for alert in unconfirmed})


def test_a_case_runs_until_people_must_decide(in_service, operator, retrainer):
    case = carried(a_case(in_service, operator), retrainer)

    assert case.state == "waiting_for_approval"
    assert outcomes(case) == {
        "detected": "done",
        "triaged": "done",
        "data_snapshotted": "done",
        "trained": "done",
        "validated": "done",
        "approved": "",
    }
    candidate = case.candidate_version
    assert candidate.developed_by == retrainer
    assert candidate.dataset.rows == in_service.dataset.rows + 150
    assert candidate.baseline_id != in_service.baseline_id
    change = ChangeRequest.objects.get(version=candidate)
    assert (change.state, change.target, change.requested_by) == ("open", "staging", retrainer)
    assert champion(case.model) == in_service, "time and machines promote nothing"


def test_every_candidate_stays_in_the_list_of_runs(in_service, operator, retrainer):
    case = carried(a_case(in_service, operator), retrainer)

    runs = Run.objects.filter(dataset=case.candidate_version.dataset)
    assert [run.params for run in runs.order_by("pk")] == [{}, {"C": 0.1}]


def test_the_candidate_becomes_champion_by_two_people_and_closes_the_case(
    in_service, operator, retrainer, validator, approver
):
    case = carried(a_case(in_service, operator), retrainer)

    approve_change(ChangeRequest.objects.get(state="open").pk, WHY, by=validator)
    case = carried(case, retrainer)
    read_and_approve(ChangeRequest.objects.get(state="open").pk, by=approver)
    case = carried(case, retrainer)

    assert case.state == "closed_champion"
    assert case.closed_at < case.due_at
    assert champion(case.model) == case.candidate_version
    assert outcomes(case)["deployed"] == "done"
    in_service.refresh_from_db()
    assert in_service.stage == "archived"


def test_a_candidate_that_people_reject_stops_the_case(in_service, operator, retrainer, validator):
    case = carried(a_case(in_service, operator), retrainer)
    reject_change(ChangeRequest.objects.get(state="open").pk, "No better.", by=validator)

    case = carried(case, retrainer)

    assert outcomes(case)["approved"] == "stopped"
    assert not case.is_closed
    assert next_step(case) is None
    assert champion(case.model) == in_service


def test_a_request_that_lost_its_evidence_is_made_again_on_new_evidence(
    in_service, operator, retrainer
):
    case = carried(a_case(in_service, operator), retrainer)
    a_gate_policy(checks=[{"check": "rows", "minimum": 10, "severity": "block", "reason": "New."}])
    sweeps.close_stale_changes()

    case = carried(case, retrainer)

    states = list(ChangeRequest.objects.filter(version=case.candidate_version).order_by("pk"))
    assert [change.state for change in states] == ["void", "open"]


def test_a_case_waits_while_somebody_else_measures_its_candidate(
    in_service, operator, retrainer, developer
):
    case = carried(a_case(in_service, operator), retrainer)
    a_gate_policy(checks=[{"check": "rows", "minimum": 10, "severity": "block", "reason": "New."}])
    sweeps.close_stale_changes()
    asked = request_gates(case.candidate_version, by=developer)

    case = carried(case, retrainer)

    assert case.steps.get(step="approved").detail["waiting_for"] == "somebody else"
    gate_runs.carry_out(asked.pk, by=retrainer)
    assert carried(case, retrainer).steps.get(step="approved").is_waiting
    assert ChangeRequest.objects.filter(version=case.candidate_version, state="open").exists()


def test_a_worker_that_is_killed_after_the_last_step_leaves_no_case_open(
    in_service, operator, retrainer, validator, approver, monkeypatch
):
    class Killed(BaseException):
        pass

    def killed_after(case_id, name, *args, **kwargs):
        finish_case_step(case_id, name, *args, **kwargs)
        if name == Step.DEPLOYED:
            raise Killed

    case = carried(a_case(in_service, operator), retrainer)
    approve_change(ChangeRequest.objects.get(state="open").pk, WHY, by=validator)
    carried(case, retrainer)
    read_and_approve(ChangeRequest.objects.get(state="open").pk, by=approver)
    monkeypatch.setattr(retraining, "finish_case_step", killed_after)
    with pytest.raises(Killed):
        advance(case.pk, by=retrainer)

    assert case_with(case.pk).state == "closed_champion"


def test_a_case_about_a_champion_that_was_replaced_meanwhile_says_so(
    in_service, developer, validator, approver, retrainer
):
    monitoring.a_report(in_service)
    sweeps.open_cases()
    a_champion(developer, validator, approver, model=in_service.model)

    case = carried(RetrainingCase.objects.get(), retrainer)

    assert outcomes(case)["triaged"] == "stopped"
    assert "became the champion after the alerts" in case.steps.get(step="triaged").detail["reason"]


def test_broken_data_are_never_trained_on(in_service, operator, retrainer):
    a_retraining_policy(minimum_rows=10_000)

    case = carried(a_case(in_service, operator), retrainer)

    assert outcomes(case)["triaged"] == "stopped"
    step = case.steps.get(step="triaged")
    assert "look broken" in step.detail["reason"]
    assert not Run.objects.filter(requested_by=retrainer).exists()


def test_without_an_approved_envelope_nothing_is_trained(
    developer, validator, approver, operator, retrainer
):
    version = a_champion(developer, validator, approver)

    case = carried(a_case(version, operator), retrainer)

    assert case.steps.get(step="triaged").detail["problem"] == "no-retraining-policy"


def test_too_few_final_outcomes_stop_the_case(in_service, operator, retrainer):
    a_retraining_policy(minimum_matured=10_000)

    case = carried(a_case(in_service, operator), retrainer)

    assert outcomes(case)["data_snapshotted"] == "stopped"


def test_candidates_that_fail_their_gates_stop_the_case(in_service, operator, retrainer):
    a_gate_policy(checks=[{"check": "auc", "minimum": 0.99, "severity": "block", "reason": "No."}])

    case = carried(a_case(in_service, operator), retrainer)

    assert outcomes(case)["validated"] == "stopped"
    assert not ChangeRequest.objects.filter(requested_by=retrainer).exists()
    assert ModelVersion.objects.filter(developed_by=retrainer).count() == 2


def test_a_step_is_held_by_one_worker_at_a_time(in_service, operator, retrainer):
    case = a_case(in_service, operator)
    begin_case_step(case.pk, Step.TRIAGED, by=retrainer)

    assert outcomes(carried(case, retrainer)) == {"detected": "done", "triaged": ""}
    with pytest.raises(StepTaken):
        begin_case_step(case.pk, Step.TRIAGED, by=retrainer)


def test_a_step_whose_worker_was_killed_is_taken_over(in_service, operator, retrainer):
    case = a_case(in_service, operator)
    begin_case_step(case.pk, Step.TRIAGED, by=retrainer)
    CaseStep.objects.filter(step="triaged").update(held_until=timezone.now())

    case = carried(case, retrainer)

    assert outcomes(case)["triaged"] == "done"
    assert case.state == "waiting_for_approval"


@pytest.mark.parametrize(
    "killed_in", ["extend_dataset", "request_run", "register_version", "request_promotion"]
)
def test_work_that_a_killed_worker_left_half_done_is_used_and_not_done_twice(
    in_service, operator, retrainer, monkeypatch, killed_in
):
    """The worker is killed right after the act: its effect is committed, the step is not finished."""

    class Killed(BaseException):
        pass

    act = getattr(retraining, killed_in)

    def killed_after(*args, **kwargs):
        act(*args, **kwargs)
        raise Killed

    case = a_case(in_service, operator)
    monkeypatch.setattr(retraining, killed_in, killed_after)
    with pytest.raises(Killed):
        advance(case.pk, by=retrainer)
    monkeypatch.setattr(retraining, killed_in, act)
    CaseStep.objects.filter(finished_at=None).update(held_until=timezone.now())

    case = carried(case, retrainer)

    assert case.state == "waiting_for_approval"
    assert Dataset.objects.filter(registered_by=retrainer).count() == 1
    assert Run.objects.filter(requested_by=retrainer).count() == 2
    assert ModelVersion.objects.filter(developed_by=retrainer).count() == 1
    assert ChangeRequest.objects.filter(requested_by=retrainer).count() == 1


def test_a_case_is_closed_without_retraining_by_a_person_with_a_cause(
    in_service, operator, approver, retrainer
):
    case = a_case(in_service, operator)
    with pytest.raises(NotPermitted):
        close_without_retraining(case.pk, "A campaign ended.", by=operator)
    with pytest.raises(RationaleMissing):
        close_without_retraining(case.pk, "", by=approver)

    close_without_retraining(case.pk, "A campaign ended; applicants are back.", by=approver)

    case = carried(case, retrainer)
    assert (case.state, case.closing_reason) == (
        "closed_no_retrain",
        "A campaign ended; applicants are back.",
    )
    with pytest.raises(CaseClosed):
        begin_case_step(case.pk, Step.TRIAGED, by=retrainer)


def test_closing_a_case_takes_back_what_its_worker_asked_for(
    in_service, operator, approver, retrainer
):
    case = carried(a_case(in_service, operator), retrainer)
    change = ChangeRequest.objects.get(version=case.candidate_version)

    close_without_retraining(case.pk, "A campaign ended.", by=approver)

    change.refresh_from_db()
    assert change.state == "withdrawn"
    assert change.closing_reason == "The case was closed: A campaign ended."


def test_a_case_that_is_closed_while_a_worker_is_at_it_stays_closed(
    in_service, operator, approver, retrainer, monkeypatch
):
    case = a_case(in_service, operator)
    snapshot = retraining.extend_dataset

    def closed_meanwhile(*args, **kwargs):
        close_without_retraining(case.pk, "A campaign ended.", by=approver)
        return snapshot(*args, **kwargs)

    monkeypatch.setattr(retraining, "extend_dataset", closed_meanwhile)

    case = carried(case, retrainer)

    assert case.state == "closed_no_retrain"
    assert outcomes(case)["data_snapshotted"] == ""


def test_every_trigger_of_monitoring_has_a_cause_but_untrue_reasons_which_no_retraining_mends():
    assert set(CAUSES) == {str(trigger) for trigger in Trigger if trigger not in OF_REASONS}


def test_a_case_is_not_closed_by_a_candidate_that_does_not_serve(in_service, operator, retrainer):
    case = carried(a_case(in_service, operator), retrainer)

    with pytest.raises(CandidateNotChampion):
        close_with_champion(case.pk, by=retrainer)


def test_a_case_that_does_not_exist_is_said_to_be_unknown(monitor):
    with pytest.raises(NoSuchCase):
        mark_breached(uuid4(), by=monitor)


# The clock. Time is moved by asking at a later time, never by changing a row.


def test_the_clock_warns_at_half_three_quarters_and_ninety_percent(operator, monitor, clock):
    case = a_case(a_model(), operator)
    for hours, warned in ((11, []), (12, [50]), (13, [50]), (18, [50, 75]), (22, [50, 75, 90])):
        clock(case.detected_at + timedelta(hours=hours))

        sweeps.watch_case_clock()

        percents = CaseWarning.objects.order_by("percent").values_list("percent", flat=True)
        assert list(percents) == warned
    assert case_with(case.pk).state == "open"


def test_a_missed_deadline_is_a_breach_and_grants_nothing(
    in_service, operator, retrainer, monitor, clock
):
    case = carried(a_case(in_service, operator), retrainer)
    clock(case.due_at + timedelta(minutes=1))

    sweeps.watch_case_clock()

    case = case_with(case.pk)
    assert case.state == "breached"
    assert not case.is_closed
    assert case in open_cases()
    assert ChangeRequest.objects.get(version=case.candidate_version).state == "open"
    assert champion(case.model) == in_service


def test_a_breached_case_that_is_answered_late_stays_breached(
    in_service, operator, approver, monitor, clock
):
    case = a_case(in_service, operator)
    clock(case.due_at)
    sweeps.watch_case_clock()

    close_without_retraining(case.pk, "A campaign ended.", by=approver)

    case = case_with(case.pk)
    assert case.is_closed
    assert case.state == "breached"


def test_suspending_the_champion_contains_a_breach(in_service, operator, monitor, clock):
    case = a_case(in_service, operator)
    clock(case.due_at)
    sweeps.watch_case_clock()

    suspend_version(in_service, "Nobody answered in time.", by=operator)

    assert case_with(case.pk).state == "breached_with_containment"


def test_the_clock_cannot_be_told_to_have_run_out(operator, monitor):
    case = a_case(a_model(), operator)

    with pytest.raises(ClockNotThere):
        mark_breached(case.pk, by=monitor)
    with pytest.raises(ClockNotThere):
        warn_of_clock(case.pk, 50, by=monitor)


def test_a_finished_step_is_not_finished_again(operator, retrainer):
    case = a_case(a_model(), operator)

    with pytest.raises(StepTaken):
        finish_case_step(case.pk, Step.DETECTED, CaseStep.Outcome.DONE, {}, by=retrainer)

"""A step that meets a guard rail ends within one evaluation, by itself, and somebody is told."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from governance import rollout_populations
from governance.actions.requests import request_rollout
from governance.models import ChangeRequest, Incident
from governance.rollout_populations import population_readings
from governance.sweeps import evaluate_rollouts, open_incidents
from monitoring.actions.protected_values import record_demographics
from registry.queries import champion, live_clearance
from serving import rollouts
from serving.actions.decisions import decide_batch
from serving.actions.deployments import end_deployment
from serving.actions.failures import record_load_failure
from serving.actions.guard_rails import evaluate_guard_rails
from serving.errors import DeploymentEnded, NoGuardRails
from serving.guard_rails import Flips, Reading, State
from serving.models import (
    Decision,
    Deployment,
    GuardRailBreach,
    GuardRailEvaluation,
    ShadowScore,
)
from serving.queries import shadow_window
from serving.rollouts import guard_rails_of, standings_of
from serving.routing import slot
from serving.tasks import score_shadows
from tests.governance.builders import a_champion, a_staged_version, said
from tests.governance.test_api import get, post
from tests.governance.test_rollouts import STEP, rolled_out
from tests.monitoring.builders import a_monitoring_policy, the_supplier
from tests.registry.builders import DECISION_BODY, a_policy
from tests.serving.builders import BAD, GOOD, an_application, guard_rails

STRICT = {**DECISION_BODY, "cut_off": 0.07, "grey_band": None, "knockout_rules": []}


@pytest.fixture
def now(developer, validator, approver):
    guard_rails()
    return a_champion(developer, validator, approver)


@pytest.fixture
def candidate(now, developer, validator):
    return a_staged_version(developer, validator, model=now.model)


@pytest.fixture
def strict(now, developer, validator):
    """The same data and another cut-off: it declines nearly everybody."""
    return a_staged_version(
        developer, validator, model=now.model, decision_policy=a_policy("decision", STRICT)
    )


def a_day(lending, model, each=25, below=50):
    """As many applications on either side of the slot, every third one by somebody who is declined."""
    numbers = iter(range(100_000))
    for side in (True, False):
        made = []
        while len(made) < each:
            reference = f"D-{Decision.objects.count()}-{next(numbers)}"
            if (slot(model.name, reference) < below) is side:
                made.append(an_application(reference, **(BAD if len(made) % 3 == 0 else {})))
        for application in made:
            assert post(lending, f"models/{model.name}/decisions", **application).status_code == 201


def test_equal_versions_go_on_and_every_evaluation_is_on_record(
    now, candidate, developer, approver, lending
):
    step = rolled_out(candidate, developer, approver, 50)
    a_day(lending, now.model)

    evaluate_rollouts()

    step.refresh_from_db()
    assert step.ended_at is None
    [found] = GuardRailEvaluation.objects.all()
    assert found.state == "within"
    states = {reading["measure"]: reading["state"] for reading in found.readings}
    assert states["approval rate"] == states["errors"] == states["latency"] == "within"
    entry = Entry.objects.get(event="serving.guard_rails.evaluated")
    assert said(entry)["state"] == "within"
    assert {
        reading["n"] for reading in said(entry)["readings"] if reading["measure"] == "errors"
    } == {25}


def test_a_version_that_declines_far_more_ends_within_one_evaluation(
    now, strict, developer, approver, lending
):
    step = rolled_out(strict, developer, approver, 50)
    a_day(lending, now.model)

    evaluate_rollouts()

    step.refresh_from_db()
    assert step.ended_at is not None
    assert "approval rate" in step.ending_reason
    assert "limit 20" in step.ending_reason
    assert live_clearance(strict, "score_live", timezone.now()) is None
    assert champion(now.model) == now
    before = Decision.objects.count()
    a_day(lending, now.model, 5)
    assert set(Decision.objects.order_by("pk")[before:].values_list("role", flat=True)) == {
        "champion"
    }


def test_the_end_is_a_fact_that_opens_one_incident(now, strict, developer, approver, lending):
    rolled_out(strict, developer, approver, 50)
    a_day(lending, now.model)
    evaluate_rollouts()

    open_incidents()
    open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("guard_rail_breach", strict)
    assert "approval rate" in incident.summary
    assert incident.first_fact == GuardRailBreach.objects.get().pk
    ended = Entry.objects.get(event="serving.deployment.ended")
    assert ended.actor_id == str(service_account("monitor").pk)


def test_too_few_decisions_end_nothing(now, strict, developer, approver, lending):
    step = rolled_out(strict, developer, approver, 50)
    a_day(lending, now.model, 6)

    evaluate_rollouts()

    step.refresh_from_db()
    assert step.ended_at is None
    assert GuardRailEvaluation.objects.get().state == "insufficient evidence"


def test_a_version_that_cannot_load_ends(now, candidate, developer, approver, lending):
    step = rolled_out(candidate, developer, approver, 50)
    for _ in range(20):
        record_load_failure(candidate.pk, "Bytes are gone.", by=lending)

    evaluate_rollouts()

    step.refresh_from_db()
    assert step.ending_reason.startswith("Guard rail: errors 100 %")


def test_a_shadow_that_would_decline_far_more_ends_too(now, strict, developer, approver, lending):
    step = rolled_out(strict, developer, approver, 100, "shadow")
    a_day(lending, now.model)
    score_shadows()

    evaluate_rollouts()

    step.refresh_from_db()
    assert "approval rate" in step.ending_reason
    assert set(Decision.objects.values_list("role", flat=True)) == {"champion"}


def test_both_sides_of_a_shadow_are_counted_over_the_same_applications(
    now, strict, developer, approver, lending
):
    rolled_out(strict, developer, approver, 100, "shadow")
    a_day(lending, now.model)
    score_shadows()

    [stands] = standings_of(now.model, timezone.now())

    rows = list(ShadowScore.objects.select_related("decision__observation"))
    gained = sum(row.outcome == "approved" != row.decision.outcome for row in rows)
    lost = sum(row.outcome != "approved" == row.decision.outcome for row in rows)
    assert stands.flips == Flips(len(rows), gained, lost)
    assert lost > 0
    own = Counter(row.reason_groups[0] for row in rows if row.outcome != "approved")
    other = Counter(
        row.decision.observation.reasons[0]["reason_group"]
        for row in rows
        if row.decision.outcome != "approved"
    )
    assert (stands.arm.first_reasons, stands.champion.first_reasons) == (own, other)
    assert stands.arm.approved == sum(row.outcome == "approved" for row in rows)
    assert stands.champion.approved == sum(row.decision.outcome == "approved" for row in rows)


def test_no_more_times_are_read_than_the_newest_that_the_guard_rails_need(
    now, candidate, developer, approver, lending, monkeypatch
):
    monkeypatch.setattr(rollouts, "MOST_TIMED", 10)
    rolled_out(candidate, developer, approver, 50)
    a_day(lending, now.model)
    _, limits = guard_rails_of(now.model, timezone.now())

    [stands] = standings_of(now.model, timezone.now())

    assert limits.least_decisions < stands.arm.decided
    assert stands.arm.judge_us.size == max(10, limits.least_decisions)
    newest = Decision.objects.filter(version=candidate).order_by("-decided_at")
    times = newest.values_list("observation__judge_us", flat=True)[: stands.arm.judge_us.size]
    assert stands.arm.judge_us.tolist() == list(times)


def test_what_monitoring_measures_ends_a_step_as_well(now, candidate, developer, approver):
    step = rolled_out(candidate, developer, approver, 50)
    breach = Reading("adverse impact", "ratio", State.BREACH, 0.8, 300, 0)

    evaluate_guard_rails(step.pk, by=service_account("monitor"), further=[breach])

    step.refresh_from_db()
    assert step.ending_reason == "Guard rail: adverse impact: breach"


def test_drift_and_groups_are_measured_by_monitoring_for_the_version_alone(
    now, candidate, developer, approver, lending
):
    a_monitoring_policy(candidate)
    rolled_out(candidate, developer, approver, 50)
    a_day(lending, now.model, 5)

    evaluate_rollouts()

    readings = {r["measure"]: r for r in GuardRailEvaluation.objects.get().readings}
    assert readings["score drift"]["n"] == 5
    assert readings["adverse impact"]["value"] is None
    assert "people were read" in readings["adverse impact"]["detail"]


def test_monitoring_reads_the_newest_decisions_of_a_long_step_and_no_more(
    now, candidate, developer, approver, lending, monkeypatch
):
    monkeypatch.setattr(rollout_populations, "MOST_DECISIONS", 3)
    a_monitoring_policy(candidate, drift={"minimum_current": 2})
    rolled_out(candidate, developer, approver, 50)
    a_day(lending, now.model, 5)

    evaluate_rollouts()

    readings = {r["measure"]: r for r in GuardRailEvaluation.objects.get().readings}
    assert readings["score drift"]["n"] == readings["adverse impact"]["n"] == 3


def test_of_a_shadow_monitoring_measures_what_it_would_have_decided(
    now, strict, developer, approver, lending, monkeypatch
):
    guard_rails(approval_rate_points=95.0)
    a_monitoring_policy(strict, drift={"minimum_current": 2})
    rolled_out(strict, developer, approver, 100, "shadow")
    evaluate_rollouts()
    a_day(lending, now.model, 5)
    score_shadows()
    monkeypatch.setattr(rollout_populations, "MOST_DECISIONS", 7)

    readings = population_readings(the_step(), timezone.now(), reader=service_account("monitor"))

    window = shadow_window(the_step(), 7)
    newest = ShadowScore.objects.order_by("-decision__decided_at")[:7]
    assert window.pd.tolist() == [row.pd for row in reversed(newest)]
    assert window.outcomes.tolist() == [row.outcome for row in reversed(newest)]
    assert [(reading.measure, reading.n) for reading in readings] == [
        ("score drift", 7),
        ("adverse impact", 7),
    ]
    assert "of what it would have decided" in readings[1].detail
    first = {r["measure"]: r for r in GuardRailEvaluation.objects.get().readings}
    assert first["score drift"]["state"] == "insufficient evidence"
    assert "nothing in the shadow yet" in first["score drift"]["detail"]


def the_step():
    return Deployment.objects.select_related("model", "version__model").get()


def test_a_shadow_whose_population_drifted_ends(now, candidate, developer, approver, lending):
    a_monitoring_policy(candidate, drift={"minimum_current": 40})
    step = rolled_out(candidate, developer, approver, 100, "shadow")
    decide_batch(now.model.name, [an_application(**BAD) for _ in range(40)], by=lending)
    score_shadows()

    evaluate_rollouts()

    step.refresh_from_db()
    assert step.ending_reason.startswith("Guard rail: score drift")
    assert "40 against" in step.ending_reason
    assert set(Decision.objects.values_list("role", flat=True)) == {"champion"}


@pytest.mark.parametrize("least", [20, 41])
def test_a_shadow_that_would_approve_far_fewer_of_a_group_ends_once_enough_are_known(
    now, strict, developer, approver, lending, least
):
    guard_rails(approval_rate_points=99.0, reason_mix_psi=50.0)
    a_monitoring_policy(
        strict,
        drift={"minimum_current": 1_000},
        fairness={"minimum_shown": 10, "minimum_verdict": least},
    )
    step = rolled_out(strict, developer, approver, 100, "shadow")
    two_groups(now.model, lending)
    score_shadows()

    evaluate_rollouts()

    step.refresh_from_db()
    ended = "Guard rail: adverse impact: breach" in step.ending_reason
    assert ended is (least == 20)
    assert set(Decision.objects.values_list("outcome", flat=True)) == {"approved"}


def two_groups(model, lending):
    """40 men and 40 women whom the champion approves; the stricter version would approve 30 and 10 of them."""
    sexes = ["m" if place % 2 else "f" for place in range(80)]
    good = {"m": [True, True, True, False], "f": [False, False, False, True]}
    people = [
        an_application(**(GOOD if good[sex][place // 2 % 4] else {}))
        for place, sex in enumerate(sexes)
    ]
    decide_batch(model.name, people, by=lending)
    known = [
        {"subject_ref": person["subject_ref"], "values": {"sex": sex, "age": 40}}
        for person, sex in zip(people, sexes, strict=True)
    ]
    client = lending.get_username()
    assert not any(record_demographics(known, by=the_supplier(), client=client))


def test_without_guard_rails_no_step_begins(developer, validator, approver):
    beside = a_champion(developer, validator, approver)
    candidate = a_staged_version(developer, validator, model=beside.model)

    with pytest.raises(NoGuardRails):
        request_rollout(candidate, "canary", 10, STEP, by=developer)

    assert not ChangeRequest.objects.filter(kind="rollout").exists()


def test_a_step_whose_guard_rails_were_taken_away_ends(now, candidate, developer, approver):
    step = rolled_out(candidate, developer, approver)
    a_policy("serving", {"explanations": {"most_table_mib": 64}}, name="default")

    evaluate_rollouts()

    step.refresh_from_db()
    assert "No serving policy" in step.ending_reason


def test_it_is_evaluated_as_often_as_the_policy_says(now, candidate, developer, approver, clock):
    rolled_out(candidate, developer, approver)
    begun = timezone.now()

    for minutes in (0, 1, 4, 5, 6, 11):
        clock(begun + timedelta(minutes=minutes, seconds=1))
        evaluate_rollouts()

    assert GuardRailEvaluation.objects.count() == 3


def test_nobody_else_evaluates_and_an_ended_step_is_left_alone(
    now, candidate, developer, approver, operator
):
    step = rolled_out(candidate, developer, approver)
    with pytest.raises(NotPermitted):
        evaluate_guard_rails(step.pk, by=operator)
    end_deployment(step.pk, "Enough.", by=operator)

    evaluate_rollouts()
    with pytest.raises(DeploymentEnded):
        evaluate_guard_rails(step.pk, by=service_account("monitor"))

    assert not GuardRailEvaluation.objects.exists()


def test_the_rollout_over_http(now, strict, developer, approver, lending, auditor):
    rolled_out(strict, developer, approver, 100, "shadow")
    a_day(lending, now.model, 10)
    score_shadows()

    told = get(auditor, f"models/{now.model.name}/rollout").json()

    assert told["champion"] == now.number
    [step] = told["steps"]
    assert (step["version"], step["role"], step["share_percent"]) == (strict.number, "shadow", 100)
    assert step["arm"]["decisions"] == step["beside"]["decisions"] == 20
    assert step["flips"]["newly_approved"] == 0
    assert step["flips"]["newly_declined"] > 5
    assert step["evaluation"] is None
    evaluate_rollouts()
    assert get(auditor, f"models/{now.model.name}/rollout").json()["steps"] == []
    assert get(lending, f"models/{now.model.name}/rollout").status_code == 403

"""A decision is judged again from its record and the archive: equal, or the names of what differs. Values are kept nowhere."""

import io
import json
import math
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from audit.actions.subjects import erase_subject
from audit.entries import parse
from audit.errors import AlreadyErased, NotPermitted
from audit.models import Entry
from audit.queries import service_account
from audit.store import content_store
from registry.actions.restrictions import lift_restriction, restrict_use
from registry.actions.versions import change_stage
from registry.models import Policy
from serving.actions.replays import replay_decision, replay_sample
from serving.errors import NoSuchDecision
from serving.models import Decision, Observation, Replay, ReplayFailure, ReplayRun
from serving.sampling import models_that_decided, sample_of
from serving.scoring import loaded
from serving.tasks import forget_erased, replay_samples
from tests.audit.people import a_case, decided
from tests.audit.tampering import drop_triggers
from tests.conftest import a_person
from tests.registry.builders import a_policy, a_run, a_version, the_builder, the_checker
from tests.serving.builders import BAD, GOOD, a_champion, a_decision
from tests.serving.test_kinds_of_model import few_trees

pytestmark = pytest.mark.django_db

ALGORITHMS = ["logistic_regression", "hist_gradient_boosting", "random_forest", "lightgbm"]
APPLICATIONS = [GOOD, BAD, {**BAD, "income": None, "purpose": None}, {**GOOD, "delinquencies": 12}]


@contextmanager
def tampering():
    """Whoever owns the tables can change them for a while."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        drop_triggers(
            "serving_decision", "serving_observation", "serving_replayrun", "registry_policy"
        )
        yield
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def fields_of(replayed):
    return [one.field for one in replayed.differences]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_kind_of_decision_comes_out_equal_to_the_last_bit(algorithm, auditor):
    run = a_run(algorithm=algorithm, params=few_trees(algorithm))
    champion = a_version(run=run, stage="production")

    for features in APPLICATIONS:
        decision = a_decision(champion, **features)
        replayed = replay_decision(decision.pk, by=auditor)
        assert (replayed.row.result, fields_of(replayed)) == ("equal", [])

    entry = Entry.objects.filter(event="serving.decision.replayed").last()
    said = parse(bytes(entry.body))["public"]
    assert (said["result"], said["differences"]) == ("equal", [])
    assert {"numpy", "numba", "scikit-learn"} <= set(said["libraries"])
    assert not ReplayFailure.objects.exists()


@pytest.mark.parametrize("stage", ["suspended", "archived"])
def test_a_version_that_decides_no_more_is_judged_by_its_archived_artefact(stage, auditor):
    champion = a_champion()
    decision = a_decision(champion, **BAD)
    change_stage(champion, stage, by=the_builder(), reason="Its time is over.")
    loaded.cache_clear()

    assert replay_decision(decision.pk, by=auditor).row.result == "equal"


def test_a_champion_and_policies_that_came_later_change_nothing(auditor):
    champion = a_champion()
    decision = a_decision(champion, **BAD)
    a_policy("decision", {**champion.decision_policy.body, "cut_off": 0.9, "grey_band": None}, name=champion.decision_policy.name)  # fmt: skip
    change_stage(champion, "archived", by=the_builder(), reason="Another came.")
    a_version(champion.model, stage="production")

    assert replay_decision(decision.pk, by=auditor).row.result == "equal"


def test_a_decision_that_was_left_to_a_person_is_left_to_one_again(champion, auditor):
    restriction = restrict_use(champion, "refer_all", {}, "A finding.", by=the_builder())
    decision = a_decision(champion, **GOOD)
    assert decision.decision_path == "restricted"
    lift_restriction(restriction, "Answered.", by=the_checker())

    assert replay_decision(decision.pk, by=auditor).row.result == "equal"


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("margin", lambda now: math.nextafter(now, math.inf), {"private.margin", "judged.margin"}),
        ("pd", lambda now: math.nextafter(now, 1), {"private.pd", "judged.pd"}),
        ("base_value", lambda now: now + 1, {"private.base_value", "judged.base_value"}),
        ("cut_off", lambda now: now / 2, {"private.cut_off", "judged.cut_off"}),
        ("additivity_gap", lambda now: now + 1e-12, {"judged.additivity_gap"}),
        ("method", lambda now: now + ", guessed", {"judged.method"}),
        ("reasons", lambda now: now[:-1], None),
        ("packed", lambda now: (np.frombuffer(now) * [1.5, 1, 1, 1, 1]).tobytes(), None),
        (
            "attributions",
            lambda now: np.nextafter(np.frombuffer(now), np.inf).tobytes(),
            {f"{part}.attributions.{name}" for part in ("private", "judged") for name in BAD},
        ),
    ],
)
def test_whatever_is_changed_in_the_observation_is_named(champion, auditor, column, value, named):
    decision = a_decision(champion, **BAD)
    changed = value(getattr(Observation.objects.get(), column))
    with tampering():
        Observation.objects.update(**{column: changed})

    replayed = replay_decision(decision.pk, by=auditor)

    assert replayed.row.result == "different"
    assert named is None or set(fields_of(replayed)) == named
    assert fields_of(replayed)
    assert {field.split(".")[0] for field in fields_of(replayed)} <= {"private", "judged"}
    failure = ReplayFailure.objects.get()
    assert (failure.version, failure.replay) == (champion, replayed.row)
    assert str(decision.pk) in failure.reason


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("outcome", "approved", {"private.outcome", "judged.outcome"}),
        ("role", "canary", {"entry.role"}),
        ("artefact_sha256", "0" * 64, {"entry.artefact_sha256"}),
        ("policy_version", 9, {"entry.policy_version"}),
    ],
)
def test_whatever_is_changed_in_the_row_is_named(champion, auditor, column, value, named):
    decision = a_decision(champion, **BAD)
    with tampering():
        Decision.objects.update(**{column: value})

    assert set(fields_of(replay_decision(decision.pk, by=auditor))) == named


def test_a_policy_or_a_library_that_is_not_what_the_entry_names_is_named(champion, auditor):
    decision = a_decision(champion, **BAD)
    library = champion.reason_library
    groups = {
        name: {**texts, "statement": "Another text"}
        for name, texts in library.body["groups"].items()
    }
    with tampering():
        Policy.objects.filter(pk=library.pk).update(body={**library.body, "groups": groups})

    named = fields_of(replay_decision(decision.pk, by=auditor))

    assert "archive.reason_library" in named
    assert "judged.reasons.0.statement" in named


def test_an_artefact_that_is_not_what_was_approved_is_not_judged_by(champion, auditor):
    decision = a_decision(champion)
    path = content_store().path("artefacts", champion.artefact_id)
    path.chmod(0o644)
    path.write_bytes(b"spoiled")

    replayed = replay_decision(decision.pk, by=auditor)

    assert replayed.row.result == "impossible"
    assert "cannot score" in replayed.row.reason
    assert ReplayFailure.objects.get().replay == replayed.row


def test_what_is_gone_though_nobody_was_erased_is_not_taken_for_an_erasure(champion, auditor):
    decision = a_decision(champion)
    with tampering():
        Observation.objects.all().delete()

    replayed = replay_decision(decision.pk, by=auditor)

    assert (replayed.row.result, replayed.row.reason) == (
        "impossible",
        "Its record is gone, and nobody was erased.",
    )


def test_a_decision_about_an_erased_person_is_refused(champion, auditor, privacy_officer):
    decision = a_decision(champion)
    erase_subject(decision.subject_id, by=privacy_officer, legal_basis="GDPR 17(1)(a)", reason="-")

    with pytest.raises(AlreadyErased):
        replay_decision(decision.pk, by=auditor)
    forget_erased()
    with pytest.raises(AlreadyErased):
        replay_decision(decision.pk, by=auditor)

    assert not Replay.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 2


def test_who_may_not_judge_again_is_refused_and_on_record(champion, developer, lending):
    decision = a_decision(champion)

    for person in (developer, lending):
        with pytest.raises(NotPermitted):
            replay_decision(decision.pk, by=person)

    assert not Replay.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 2


def test_a_decision_that_does_not_exist_is_refused(auditor):
    with pytest.raises(NoSuchDecision):
        replay_decision(uuid4(), by=auditor)


def test_a_replay_holds_no_value_and_never_changes(champion, auditor):
    decision = a_decision(champion, **BAD)
    with tampering():
        Observation.objects.update(margin=7.25)

    replayed = replay_decision(decision.pk, by=auditor)

    kept = json.dumps([replayed.row.differences, replayed.row.reason, replayed.row.packages])
    said = "".join(bytes(entry.body).decode() for entry in Entry.objects.filter(event__contains="replay"))  # fmt: skip
    assert "7.25" not in kept + said + ReplayFailure.objects.get().reason
    for change in (
        lambda: Replay.objects.update(result="equal"),
        lambda: ReplayFailure.objects.update(reason="-"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


# Over HTTP, from a terminal, in the admin


def test_values_are_answered_to_those_alone_who_may_see_them(
    champion, auditor, validator, lending, signed_in
):
    decision = a_decision(champion, **BAD)
    with tampering():
        Observation.objects.update(margin=7.25)
    path = f"/api/v1/decisions/{decision.pk}/replay"

    seen = signed_in(auditor).post(path)
    named = signed_in(validator).post(path)

    assert seen.status_code == named.status_code == 201
    [margin] = [one for one in seen.json()["differences"] if one["field"] == "judged.margin"]
    assert margin["recorded"] == 7.25
    assert margin["apart"] == 7.25 - margin["found"]
    assert {(one["recorded"], one["found"]) for one in named.json()["differences"]} == {(None, None)}  # fmt: skip
    assert "judged.margin" in [one["field"] for one in named.json()["differences"]]
    assert signed_in(lending).post(path).status_code == 403


def run(*arguments):
    out = io.StringIO()
    call_command("replay", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_command_says_equal_and_by_which_libraries(champion):
    said = run(a_decision(champion).pk)

    assert said.startswith("Equal")
    assert "numba" in said
    assert "trained with" in said


def test_the_command_fails_where_something_differs_and_shows_values_to_a_person_alone(
    champion, auditor
):
    decision = a_decision(champion, **BAD)
    with tampering():
        Observation.objects.update(margin=7.25)
    out = io.StringIO()

    with pytest.raises(CommandError) as different:
        call_command("replay", str(decision.pk), stdout=out)
    with pytest.raises(CommandError):
        call_command("replay", str(decision.pk), "--as", auditor.username, "--json", stdout=out)

    assert different.value.returncode == 1
    table, _, answer = out.getvalue().partition("{")
    assert "judged.margin" in table
    assert "7.25" not in table
    assert "7.25" in answer


def test_the_command_tells_what_could_not_be_judged_from_what_differs():
    with pytest.raises(CommandError) as refused:
        run(uuid4())

    assert refused.value.returncode == 2


def test_the_page_of_a_decision_judges_it_again_and_shows_what_came_of_it(
    champion, validator, signed_in
):
    decision = a_decision(champion, **BAD)
    browser = signed_in(validator)
    with tampering():
        Observation.objects.update(pd=0.9)

    done = browser.post(reverse("serving_decision_replay", args=[decision.pk]), follow=True)

    assert done.status_code == 200
    body = done.content.decode()
    assert "judged.pd (by " in body
    assert Replay.objects.get().replayed_by == validator
    assert f"/serving/replay/{Replay.objects.get().pk}/change/" in body


# The nightly sample


def tonight(model, size=None, seed=5):
    if size is not None:
        a_policy("serving", {"replay": {"nightly_sample": size}}, name=model.name)
    later = timezone.now() + timedelta(minutes=2)
    return replay_sample(model, later, seed, by=service_account("monitor"))


def test_a_night_judges_a_sample_of_the_size_that_the_policy_says_and_the_log_tells_how(champion):
    for _ in range(6):
        a_decision(champion, **BAD)

    run_ = tonight(champion.model, size=4)

    assert (run_.asked, run_.sampled, run_.equal) == (4, 4, 4)
    assert run_.policy.name == champion.model.name
    said = parse(bytes(run_.entry.body))["public"]
    assert (said["sampled"], said["equal"], said["different"], said["seed"]) == (4, 4, 0, "5")
    assert not Replay.objects.exists()


def test_without_a_policy_a_night_asks_for_25(champion):
    a_decision(champion)

    run_ = tonight(champion.model)

    assert (run_.asked, run_.policy, run_.sampled) == (25, None, 1)


def test_the_sample_can_be_drawn_again_though_decisions_were_made_since(champion):
    made = {a_decision(champion).pk for _ in range(8)}
    run_ = tonight(champion.model, size=5)
    drawn_then = sample_of(run_)
    with tampering():  # they are made after the night
        ReplayRun.objects.update(until=timezone.now(), since=timezone.now() - timedelta(days=1))
    run_.refresh_from_db()
    first = sample_of(run_)
    for _ in range(5):
        a_decision(champion)

    assert sample_of(run_) == first == drawn_then
    assert set(first) < made


def test_a_fifth_of_the_sample_is_older_than_the_day(champion):
    old = [a_decision(champion).pk for _ in range(3)]
    with tampering():
        Decision.objects.update(decided_at=timezone.now() - timedelta(days=40))
    recent = [a_decision(champion).pk for _ in range(12)]

    run_ = tonight(champion.model, size=10)

    drawn_ids = set(sample_of(run_))
    assert len(drawn_ids & set(recent)) == 8
    assert 1 <= len(drawn_ids & set(old)) <= 2


def test_a_decision_that_differs_is_counted_kept_and_left_as_a_fact(champion):
    decisions = [a_decision(champion, **BAD) for _ in range(3)]
    with tampering():
        Observation.objects.filter(pk=decisions[1].pk).update(pd=0.99)

    run_ = tonight(champion.model)

    assert (run_.equal, run_.different, run_.impossible, run_.erased) == (2, 1, 0, 0)
    [replay] = run_.replays.all()
    assert replay.decision == decisions[1]
    assert ReplayFailure.objects.get().replay == replay


def test_erased_people_are_counted_and_are_no_failure(champion, privacy_officer):
    gone = a_decision(champion)
    a_decision(champion)
    erase_subject(gone.subject_id, by=privacy_officer, legal_basis="GDPR 17(1)(a)", reason="-")

    run_ = tonight(champion.model)

    assert (run_.sampled, run_.equal, run_.erased) == (2, 1, 1)
    assert not ReplayFailure.objects.exists()


def test_the_scheduled_task_takes_every_model_that_decided(champion):
    a_decision(champion)
    other = a_champion()
    a_decision(other)
    a_champion()

    replay_samples()

    assert set(models_that_decided()) == {champion.model, other.model}
    assert {run_.model for run_ in ReplayRun.objects.all()} == {champion.model, other.model}


def test_past_nights_are_read_over_http(champion, operator, signed_in):
    a_decision(champion)
    tonight(champion.model)

    answer = signed_in(operator).get(f"/api/v1/models/{champion.model.name}/replays").json()

    assert [(one["sampled"], one["equal"]) for one in answer["results"]] == [(1, 1)]


def test_people_whose_data_may_only_be_kept_are_counted_and_not_looked_at(
    champion, privacy_officer
):
    kept = a_decision(champion)
    a_decision(champion)
    case = a_case(privacy_officer, subject_ref="", subject_id=kept.subject_id)
    assert decided(case, by=a_person("paul", "privacy officer")).is_restricted

    run_ = tonight(champion.model)

    assert (run_.sampled, run_.equal, run_.restricted) == (2, 1, 1)

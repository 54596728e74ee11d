"""Runs trained outside: opened, reported, handed in and ended by one person, and frozen then."""

import pickle
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from registry import artefacts, execution, provenance, queries, training
from registry.actions.outside_runs import Opening, end_run, hand_in_model, open_run, report_run
from registry.actions.versions import register_version
from registry.errors import (
    KeyUsedOtherwise,
    ModelDoesNotFit,
    ModelHandedIn,
    PickleRefused,
    ReportConflicts,
    ReportRefused,
    RunNotOpen,
    RunOfAnother,
    RunWithoutModel,
    TrainedOutside,
)
from registry.models import Run, RunReport
from tests.registry.builders import CONTRACT, CUT_OFF, a_dataset, a_model, a_policy

LastEntry = Callable[[], dict[str, Any]]
OPENING = Opening(7, 0.3, "a" * 40, provenance.environment_of(["numpy==1.0"], "3.9.1"))


def an_open_run(by: User, key: uuid.UUID | None = None) -> Run:
    return open_run(a_model(), a_dataset(), key or uuid.uuid4(), OPENING, by=by)


def a_trained_model(columns: int | None = None) -> bytes:
    snapshot = queries.snapshot_of(a_dataset())
    matrix = CONTRACT.matrix(snapshot.packed)[:, :columns]
    return artefacts.dump(training.fit(matrix, snapshot.bad, "logistic_regression", {}, 7))


def say(run: Run, by: User, **said: Any) -> RunReport:
    return report_run(run.pk, uuid.uuid4(), said, by=by)


def refused() -> int:
    return Entry.objects.filter(event="audit.action_refused").count()


def test_an_open_run_keeps_the_code_and_packages_that_its_client_names(
    developer: User, last_entry: LastEntry
) -> None:
    run = an_open_run(developer)

    assert (run.status, run.algorithm, run.code_revision) == ("open", "outside", "a" * 40)
    assert (
        queries.content_store().get("environments", run.environment_sha256) == OPENING.environment
    )
    entry = last_entry()
    assert entry["event"] == "registry.run.opened"
    assert entry["public"]["dataset_sha256"] == run.dataset.sha256


def test_a_handed_in_model_is_measured_here_and_becomes_a_version(
    developer: User, builder: User, last_entry: LastEntry
) -> None:
    run = an_open_run(developer)
    hand_in_model(run.pk, a_trained_model(), by=developer)
    end_run(run.pk, "", {}, by=developer)

    execution.train_run(run.pk, by=builder)

    run.refresh_from_db()
    assert run.status == "succeeded"
    assert (run.code_revision, run.environment_sha256) == (
        "a" * 40, queries.content_store().put("environments", OPENING.environment),
    )  # fmt: skip
    assert run.metrics["holdout"]["performance"]["n"] == 360
    version = register_version(
        run, CUT_OFF, a_policy("decision"), a_policy("reason_library"), by=developer
    )
    assert version.artefact_id == run.artefact_sha256
    assert version.developed_by == developer
    with pytest.raises(TrainedOutside, match="cannot be trained again here"):
        execution.reproduce_run(run.pk, by=developer)


def test_a_pickle_is_refused_by_content_and_the_refusal_is_recorded(developer: User) -> None:
    run = an_open_run(developer)

    with pytest.raises(PickleRefused):
        hand_in_model(run.pk, pickle.dumps([1]), by=developer)

    assert not run.reports.exists()
    assert refused() == 1


def test_a_model_of_other_columns_or_a_second_model_is_refused(developer: User) -> None:
    run = an_open_run(developer)

    with pytest.raises(ModelDoesNotFit, match=r"takes 3 columns.*gives 8.*purpose=car"):
        hand_in_model(run.pk, a_trained_model(3), by=developer)
    hand_in_model(run.pk, a_trained_model(), by=developer)
    with pytest.raises(ModelHandedIn):
        hand_in_model(run.pk, a_trained_model(), by=developer)

    assert run.reports.count() == 1


def test_what_was_said_once_cannot_be_said_otherwise(developer: User) -> None:
    run = an_open_run(developer)
    point = {"name": "auc", "value": 0.8, "step": 1}
    say(run, developer, params={"C": 1}, metrics=[point], tags={"a": "x"})

    with pytest.raises(ReportConflicts) as conflict:
        say(run, developer, params={"C": 2}, metrics=[{**point, "value": 0.9}])
    say(run, developer, params={"C": 1}, metrics=[point, {**point, "step": 2}], tags={"a": "y"})

    assert {one.field for one in conflict.value.errors} == {"params.C", "metrics.auc"}
    said = queries.reported_of(run)
    assert (said.params, said.tags) == ({"C": 1}, {"a": "y"})
    assert said.metrics == {"auc": {1: 0.8, 2: 0.8}}


def test_a_report_names_everything_wrong_with_it(developer: User) -> None:
    run = an_open_run(developer)

    with pytest.raises(ReportRefused) as refusal:
        say(run, developer, params={"C": [1]}, tags={"a": 5}, importance={"dti": "much"})

    assert {one.field for one in refusal.value.errors} == {"params.C", "tags.a", "importance.dti"}
    assert not run.reports.exists()


def test_scores_are_kept_as_what_follows_from_them(developer: User) -> None:
    run = an_open_run(developer)

    say(run, developer, scores={
        "bad": [0, 0, 1, 1], "pd": [0.1, 0.6, 0.4, 0.9], "threshold": 0.5, "sample": "test",
    })  # fmt: skip

    scores = queries.reported_of(run).scores
    # By hand: of the four pairs of a bad and a good three are in order.
    assert scores["performance"]["auc"] == 0.75
    assert scores["confusion"] == {
        "threshold": 0.5, "bad_called_bad": 1, "bad_called_good": 1, "good_called_bad": 1, "good_called_good": 1,
    }  # fmt: skip
    assert scores["roc"] == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]


def test_a_run_is_reported_by_the_person_who_opened_it(
    developer: User, builder: User, outsider: User
) -> None:
    run = an_open_run(developer)

    with pytest.raises(RunOfAnother):
        say(run, builder, params={"C": 1})
    with pytest.raises(RunOfAnother):
        end_run(run.pk, "", {}, by=builder)
    with pytest.raises(NotPermitted):
        open_run(run.model, run.dataset, uuid.uuid4(), OPENING, by=outsider)

    run.refresh_from_db()
    assert run.status == "open"
    assert refused() == 3


def test_a_key_that_came_before_is_refused_by_the_act(developer: User) -> None:
    key = uuid.uuid4()
    run = an_open_run(developer, key)
    report_run(run.pk, key, {"params": {"C": 1}}, by=developer)

    with pytest.raises(KeyUsedOtherwise):
        an_open_run(developer, key)
    with pytest.raises(KeyUsedOtherwise):
        report_run(run.pk, key, {"params": {"D": 1}}, by=developer)

    assert queries.reported_of(run).params == {"C": 1}


def test_an_ended_run_is_frozen_for_acts_and_for_sql(developer: User) -> None:
    run = an_open_run(developer)
    report = say(run, developer, params={"C": 1})
    end_run(run.pk, "ValueError", {}, by=developer)

    with pytest.raises(RunNotOpen):
        say(run, developer, params={"D": 1})
    with pytest.raises(DatabaseError, match="has ended"), transaction.atomic():
        Run.objects.filter(pk=run.pk).update(status="open")
    with pytest.raises(DatabaseError, match="not open"), transaction.atomic():
        RunReport.objects.create(
            run=run, key=uuid.uuid4(), body={}, said_sha256="", reported_at=timezone.now(),
            entry=Entry.objects.exclude(pk=report.entry_id).latest("id"),
        )  # fmt: skip
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        RunReport.objects.update(body={})

    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "ValueError")


def test_a_run_that_ended_without_a_model_makes_no_version(developer: User) -> None:
    run = an_open_run(developer)
    end_run(run.pk, "", {}, by=developer)

    with pytest.raises(RunWithoutModel):
        register_version(
            run, CUT_OFF, a_policy("decision"), a_policy("reason_library"), by=developer
        )


def test_a_run_that_nobody_heard_of_for_a_week_is_ended(developer: User, builder: User) -> None:
    silent = an_open_run(developer)
    later = timezone.now() + execution.SILENT_AFTER + timedelta(minutes=1)

    execution.sweep_runs(later - timedelta(minutes=2), by=builder)
    silent.refresh_from_db()
    assert silent.status == "open", "a minute early"
    execution.sweep_runs(later, by=builder)

    silent.refresh_from_db()
    assert (silent.status, silent.error) == ("failed", "Its client said nothing for 7 days.")

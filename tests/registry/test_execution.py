"""Carrying runs out: by the retrainer, on behalf of whoever asked; nothing waits for ever."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit import entries
from audit.models import Entry
from audit.queries import service_account
from registry import artefacts, execution, queries, tasks
from registry.loading import load_estimator
from tests.registry.builders import CONTRACT, a_dataset, a_description, a_frame, a_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def retrainer(db: None) -> User:
    return service_account("retrainer")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Messages to the broker, which is the outside world here."""
    messages: list[tuple[str, Any]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args: messages.append((name, args)))
    return messages


def actors_of(event: str) -> list[dict[str, Any]]:
    return [
        entries.parse(bytes(entry.body))["actor"] for entry in Entry.objects.filter(event=event)
    ]


@pytest.mark.parametrize("algorithm", ["logistic_regression", "hist_gradient_boosting"])
def test_a_queued_run_is_trained_by_the_retrainer_on_behalf_of_whoever_asked(
    algorithm: str,
) -> None:
    run = a_run(status="queued", algorithm=algorithm)

    tasks.train_run(str(run.pk))

    run = queries.run_with(run.pk)
    assert run.status == "succeeded"
    assert artefacts.content_sha256(load_estimator(run.artefact)) == run.content_sha256
    for event in ("registry.run.started", "registry.run.succeeded"):
        (actor,) = actors_of(event)
        assert (actor["name"], actor["on_behalf_of"]) == ("retrainer", "builder")
        assert actor["trigger"] == f"run {run.pk}"


def test_training_again_from_the_record_gives_the_same_content() -> None:
    run = a_run()

    again = execution.train(run)

    assert again.content_sha256 == run.content_sha256
    assert dict(again.plots).keys() == run.plots.keys()


def test_a_run_that_cannot_be_trained_fails_with_the_reason(retrainer: User) -> None:
    frame = a_frame().head(40).copy()
    frame["bad"] = [1] + [0] * 39
    dataset = a_dataset(frame.astype({"bad": "int8"}), description=a_description())
    run = a_run(dataset=dataset, status="queued")

    execution.train_run(run.pk, by=retrainer)

    run.refresh_from_db()
    assert run.status == "failed"
    assert "cannot be split" in run.error
    assert actors_of("registry.run.failed")


def test_a_fault_of_ours_ends_the_run_and_is_not_swallowed(
    retrainer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(status="queued")

    def broken(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("altair.Chart.to_dict", broken)
    with pytest.raises(ZeroDivisionError):
        execution.train_run(run.pk, by=retrainer)

    run.refresh_from_db()
    assert run.status == "failed"
    assert "ZeroDivisionError" in run.error


def test_a_message_that_comes_twice_trains_once(retrainer: User) -> None:
    run = a_run()
    before = Entry.objects.count()

    execution.train_run(run.pk, by=retrainer)

    assert Entry.objects.count() == before


def test_a_run_whose_message_was_lost_is_sent_again(
    retrainer: User,
    sent: list[tuple[str, Any]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    run = a_run(status="queued")

    with django_capture_on_commit_callbacks(execute=True):
        execution.sweep_runs(timezone.now(), by=retrainer)
    assert sent == []

    with django_capture_on_commit_callbacks(execute=True):
        execution.sweep_runs(timezone.now() + timedelta(minutes=3), by=retrainer)
    assert sent == [("registry.train_run", (str(run.pk),))]


def test_a_run_whose_worker_died_is_ended_with_the_reason(retrainer: User) -> None:
    run = a_run(status="running")

    execution.sweep_runs(timezone.now() + timedelta(hours=3), by=retrainer)
    run.refresh_from_db()
    assert run.status == "running"

    execution.sweep_runs(timezone.now() + timedelta(hours=5), by=retrainer)
    run.refresh_from_db()
    assert run.status == "failed"
    assert "4 hours" in run.error


def test_the_scheduled_sweep_touches_nothing_that_is_young() -> None:
    run = a_run(status="queued")

    tasks.sweep_runs()

    run.refresh_from_db()
    assert run.status == "queued"


def test_the_contract_decides_in_which_direction_trees_may_go() -> None:
    run = a_run(algorithm="hist_gradient_boosting")

    estimator: Any = load_estimator(run.artefact)

    assert list(estimator.monotonic_cst) == CONTRACT.monotonic_cst

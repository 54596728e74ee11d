"""Telling a tracking server what became of its version, where it does not answer. A real one answers in test_mlflow.py."""

import uuid
from datetime import timedelta

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit.entries import parse
from audit.models import Entry
from registry import artefacts, execution, queries, write_backs
from registry.actions.outside_runs import (
    Opening,
    Origin,
    end_run,
    hand_in_model,
    link_tracked_run,
    open_run,
)
from registry.actions.versions import change_stage, register_version
from registry.actions.write_backs import MOST_ATTEMPTS, record_write_back
from registry.errors import WriteBackEnded
from registry.models import ModelVersion, TrackedRun, WriteBack
from registry.provenance import environment_of
from tests.journeys.told import free_port
from tests.registry.builders import (
    CUT_OFF,
    a_model,
    a_policy,
    a_run,
    a_version,
    the_builder,
)


@pytest.fixture
def imported(developer: User) -> ModelVersion:
    """A version whose run says that it came from a tracking server, which is down."""
    trained = a_run()
    run = open_run(
        a_model(), trained.dataset, uuid.uuid4(), Opening(7, 0.3, "", environment_of([], "3")), by=developer
    )  # fmt: skip
    data = queries.content_store().get("artefacts", trained.artefact_sha256)
    hand_in_model(run.pk, artefacts.dump(artefacts.load(data), "elsewhere"), by=developer)
    uri = f"http://127.0.0.1:{free_port()}"
    origin = Origin(uri, "a" * 32, "loans", "3", "sklearn", {"inputs": []})
    link_tracked_run(run.pk, origin, by=developer)
    end_run(run.pk, "", {}, by=developer)
    execution.train_run(run.pk, by=the_builder())
    return register_version(
        queries.run_with(run.pk), CUT_OFF, a_policy("decision"), a_policy("reason_library"), by=developer
    )  # fmt: skip


def staged(version: ModelVersion) -> WriteBack:
    change_stage(version, "staging", by=the_builder(), reason="The gates passed.")
    return WriteBack.objects.get()


def test_a_move_leaves_the_intent_in_the_same_transaction_and_sends_for_it(
    imported: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    sent: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args: sent.append((name, args)))

    with django_capture_on_commit_callbacks(execute=True):
        waiting = staged(imported)

    assert (waiting.state, waiting.change.stage) == ("waiting", "staging")
    assert waiting.entry_id == waiting.change.entry_id
    assert sent == [("registry.write_back", (waiting.pk,))]


@pytest.mark.django_db
def test_a_version_that_was_trained_here_leaves_no_intent() -> None:
    a_version(stage="production")

    assert not WriteBack.objects.exists()


def test_a_server_that_does_not_answer_is_told_later(
    imported: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    waiting = staged(imported)

    write_backs.write_back(waiting.pk, by=the_builder())

    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("waiting", 1)
    assert "cannot be reached: ConnectError" in waiting.error
    entry = parse(bytes(Entry.objects.latest("id").body))
    assert entry["event"] == "registry.version.stage_written_back"
    assert (entry["public"]["state"], entry["public"]["model_version"]) == ("waiting", "3")
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args: sent.append(name))
    with django_capture_on_commit_callbacks(execute=True):
        write_backs.sweep_write_backs(timezone.now())
    assert sent == [], "it is not due yet"
    with django_capture_on_commit_callbacks(execute=True):
        write_backs.sweep_write_backs(timezone.now() + timedelta(minutes=2))
    assert sent == ["registry.write_back"]


def test_a_server_that_never_answers_is_given_up_and_the_log_says_so(
    imported: ModelVersion,
) -> None:
    waiting = staged(imported)

    for _ in range(MOST_ATTEMPTS):
        record_write_back(waiting.pk, "It is down.", by=the_builder())

    waiting.refresh_from_db()
    assert waiting.state == "given_up"
    assert parse(bytes(Entry.objects.latest("id").body))["public"]["attempt"] == MOST_ATTEMPTS
    with pytest.raises(WriteBackEnded):
        record_write_back(waiting.pk, "", by=the_builder())


def test_where_a_run_came_from_never_changes(imported: ModelVersion) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        TrackedRun.objects.update(tracking_uri="http://elsewhere")


def test_the_token_goes_to_the_server_of_the_settings_alone(settings) -> None:
    settings.CREDENCE_MLFLOW_URI = "https://mlflow.example/"
    settings.CREDENCE_MLFLOW_TOKEN = "its-token"

    assert write_backs.token_for("https://mlflow.example") == "its-token"
    assert write_backs.token_for("https://mlflow.example.evil") == ""

"""Runs: asked for by a person, taken once, ended with an artefact or a reason."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from pytest_django import DjangoCaptureOnCommitCallbacks

from audit.errors import InvalidInput, NotPermitted
from audit.keys import verify_signature
from audit.models import Entry
from audit.store import content_store
from registry import provenance
from registry.actions.runs import complete_run, fail_run, request_run, start_run
from registry.errors import ParamsRefused, RunNotQueued, RunNotRunning, UnknownRun
from registry.loading import SIGNATURE_DOMAIN
from registry.models import Artefact, Run
from tests.registry.builders import a_dataset, a_model, a_run, an_outcome

LastEntry = Callable[[], dict[str, Any]]


def test_a_requested_run_is_an_intent_that_a_worker_is_told_of_on_commit(
    builder: User,
    last_entry: LastEntry,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[str, Any]] = []
    # The broker is the outside world here.
    monkeypatch.setattr(current_app, "send_task", lambda name, args: sent.append((name, args)))

    with django_capture_on_commit_callbacks(execute=True):
        run = a_run(status="queued")

    assert run.status == "queued"
    assert sent == [("registry.train_run", (str(run.pk),))]
    entry = last_entry()
    assert entry["event"] == "registry.run.requested"
    assert entry["public"]["dataset_sha256"] == run.dataset.sha256
    assert entry["public"]["seed"] == 7


def test_a_run_that_cannot_be_trained_is_refused_before_it_is_queued(builder: User) -> None:
    model, dataset = a_model(), a_dataset()
    before = Entry.objects.count()

    with pytest.raises(ParamsRefused):
        request_run(model, dataset, "logistic_regression", {"C": -1}, 7, 0.3, by=builder)
    with pytest.raises(InvalidInput) as refusal:
        request_run(model, dataset, "logistic_regression", {}, -1, 1.0, by=builder)

    assert {problem.field for problem in refusal.value.errors} == {"seed", "holdout_share"}
    assert not Run.objects.exists()
    assert Entry.objects.count() == before + 2


def test_a_started_run_says_with_which_code_and_environment(
    builder: User, last_entry: LastEntry
) -> None:
    run = a_run(status="running")

    assert run.code_revision == provenance.code_revision()
    assert content_store().get("environments", run.environment_sha256) == provenance.environment()
    assert run.started_at is not None
    assert last_entry()["event"] == "registry.run.started"


def test_a_run_is_taken_by_one_worker_only(builder: User) -> None:
    run = a_run(status="running")

    with pytest.raises(RunNotQueued):
        start_run(run.pk, by=builder)


def test_a_finished_run_leaves_a_signed_artefact(builder: User, last_entry: LastEntry) -> None:
    run = a_run()

    artefact = Artefact.objects.get(run=run)
    data = content_store().get("artefacts", artefact.sha256)
    verify_signature(SIGNATURE_DOMAIN, data, artefact.key_id, artefact.signature)
    assert artefact.sha256 == run.artefact_sha256
    assert artefact.content_sha256 == run.content_sha256
    assert artefact.size == len(data)
    entry = last_entry()
    assert entry["event"] == "registry.run.succeeded"
    assert entry["public"]["artefact_sha256"] == artefact.sha256
    assert float(entry["public"]["holdout"]["auc"]) == run.metrics["holdout"]["performance"]["auc"]


def test_a_finished_run_keeps_its_measures_and_pictures(builder: User) -> None:
    run = a_run()

    assert set(run.metrics) == {"in_sample", "holdout", "importance"}
    assert run.metrics["in_sample"]["performance"]["n"] == 840
    assert run.metrics["holdout"]["performance"]["n"] == 360
    assert set(run.plots) == {"roc", "calibration", "importance", "confusion"}
    for sha256 in run.plots.values():
        assert content_store().get("plots", sha256).startswith(b"<svg")


def test_the_same_record_leaves_the_same_content_in_other_bytes(builder: User) -> None:
    model, dataset = a_model(), a_dataset()

    first, second = a_run(model, dataset), a_run(model, dataset)

    assert first.content_sha256 == second.content_sha256
    assert first.artefact_sha256 != second.artefact_sha256


def test_a_failed_run_records_why(builder: User, last_entry: LastEntry) -> None:
    run = a_run(status="running")

    failed = fail_run(run.pk, "The fit did not converge.", by=builder)

    assert failed.status == "failed"
    assert failed.error == "The fit did not converge."
    assert last_entry()["public"]["error"] == "The fit did not converge."


def test_a_run_ends_once(builder: User) -> None:
    run = a_run()

    with pytest.raises(RunNotRunning):
        fail_run(run.pk, "Too late.", by=builder)
    with pytest.raises(RunNotRunning):
        complete_run(run.pk, an_outcome(run), by=builder)

    run.refresh_from_db()
    assert run.status == "succeeded"


def test_a_run_nobody_asked_for_is_unknown(builder: User) -> None:
    with pytest.raises(UnknownRun):
        start_run(a_model().entry_id, by=builder)


def test_asking_and_training_need_their_permissions(builder: User, outsider: User) -> None:
    run = a_run(status="queued")

    with pytest.raises(NotPermitted):
        request_run(run.model, run.dataset, run.algorithm, {}, 7, 0.3, by=outsider)
    with pytest.raises(NotPermitted):
        start_run(run.pk, by=outsider)

    run.refresh_from_db()
    assert run.status == "queued"

"""The client of a data scientist, against the service on a real port."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from celery import current_app

from audit.models import Entry
from registry import artefacts, client, execution, provenance, queries, training
from registry.client import Registry, RegistryError, RunFailed, connect
from registry.models import Dataset, Run, RunReport
from tests.conftest import a_person
from tests.registry import live
from tests.registry.builders import (
    CONTRACT,
    a_dataset,
    a_frame,
    a_model,
    the_builder,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def url(own_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The service; what it sends to the broker is carried out by a worker at once."""
    worker = the_builder()

    def carry_out(name: str, args: tuple[str, ...]) -> None:
        if name == "registry.train_run":
            execution.train_run(UUID(args[0]), by=worker)

    monkeypatch.setattr(current_app, "send_task", carry_out)  # the broker is the outside world
    with live.serving() as address:
        yield address


@pytest.fixture
def token(url: str) -> str:
    return live.a_token(a_person("dana", "model developer"))


@pytest.fixture
def registry(url: str, token: str) -> Registry:
    return connect(url, token)


@pytest.fixture
def dataset(url: str) -> Dataset:
    a_model("loans")
    return a_dataset()


def trained(run: client.OutsideRun, dataset: Dataset) -> Any:
    """A model of the rows that the service says are not held out."""
    snapshot = queries.snapshot_of(dataset)
    rows = np.isin(snapshot.row_ids, run.split()[0])
    matrix = CONTRACT.matrix(snapshot.packed)
    return training.fit(matrix[rows], snapshot.bad[rows], "logistic_regression", {"C": 0.5}, 7)


def test_a_run_trained_outside_is_reported_handed_in_and_measured_here(
    registry: Registry, dataset: Dataset
) -> None:
    with registry.run("loans", dataset.pk, seed=7, tags={"team": "cards"}) as run:
        estimator = trained(run, dataset)
        run.log_params(C=0.5, solver="lbfgs")
        for step in range(3):
            run.log_metric("loss", 1 / (step + 1), step=step)
        run.log_model(estimator)

    assert run.status == "succeeded"
    kept = Run.objects.get(pk=run.id)
    same = execution.train(
        Run(model=kept.model, dataset=kept.dataset, algorithm="logistic_regression", params={"C": 0.5},
            seed=7, holdout_share=0.3)
    )  # fmt: skip
    assert kept.content_sha256 == same.content_sha256, "the split of the service was trained on"
    assert kept.metrics["holdout"] == json.loads(json.dumps(same.metrics["holdout"]))
    assert run.metrics["holdout"]["performance"]["auc"] > 0.6
    said = queries.reported_of(kept)
    assert said.params == {"C": 0.5, "solver": "lbfgs"}
    assert said.tags == {"team": "cards"}
    assert said.metrics == {"loss": {0: 1.0, 1: 0.5, 2: 1 / 3}}
    assert kept.requested_by.username == "dana"
    events = Entry.objects.filter(subject_id=run.id).order_by("id").values_list("event", flat=True)
    assert [event.removeprefix("registry.run.") for event in events] == [
        "opened", "handed_in", "reported", "ended", "started", "succeeded",
    ]  # fmt: skip


def test_code_packages_and_seed_are_captured_without_being_named(
    registry: Registry, dataset: Dataset
) -> None:
    with registry.run("loans", dataset.sha256) as run:
        pass

    kept = Run.objects.get(pk=run.id)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    assert kept.code_revision.removesuffix("+changes") == head
    assert kept.seed == run.seed
    assert kept.environment_sha256 == provenance.environment_sha256(), "the tests' own packages"
    assert kept.dataset == dataset
    assert kept.status == "succeeded"


def fails_midway(run: client.OutsideRun) -> None:
    run.log_params(C=1.0)
    raise ZeroDivisionError("of Alice's income")


def test_a_block_that_raises_ends_the_run_as_failed_with_the_type_alone(
    registry: Registry, dataset: Dataset
) -> None:
    run = registry.run("loans", dataset.pk)

    with pytest.raises(ZeroDivisionError, match="Alice"), run:
        fails_midway(run)

    kept = Run.objects.get(pk=run.id)
    assert (kept.status, kept.error) == ("failed", "ZeroDivisionError")
    assert queries.reported_of(kept).params == {"C": 1.0}, "what was kept back was still sent"


def test_a_pickle_is_refused_by_content_and_the_run_fails(
    registry: Registry, dataset: Dataset, tmp_path: Path
) -> None:
    disguised = tmp_path / "model.skops"
    disguised.write_bytes(pickle.dumps({"a": 1}))

    with pytest.raises(RegistryError) as refused, registry.run("loans", dataset.pk) as run:
        run.log_model(disguised)

    assert (refused.value.type, refused.value.status) == ("pickle-refused", 422)
    assert Run.objects.get(pk=run.id).error == "RegistryError"
    assert not RunReport.objects.exists()


def test_a_model_that_cannot_be_measured_fails_where_the_block_ends(
    registry: Registry, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(name: str, args: tuple[str, ...]) -> None:
        stored = queries.reported_of(Run.objects.get(pk=args[0])).model["artefact_sha256"]
        path = queries.content_store().path("artefacts", stored)
        path.chmod(0o600)
        path.write_bytes(b"overwritten")
        execution.train_run(UUID(args[0]), by=the_builder())

    monkeypatch.setattr(current_app, "send_task", lost)

    with pytest.raises(RunFailed, match="were changed"), registry.run("loans", dataset.pk) as run:
        run.log_model(trained(run, dataset))

    assert run.status == "failed"


class _Cut(httpx.BaseTransport):
    """A line that loses the answer to every first request of a kind, after the service has acted."""

    def __init__(self) -> None:
        self._line = httpx.HTTPTransport()
        self.lost: set[tuple[str, str]] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        answer = self._line.handle_request(request)
        answer.read()
        kind = (request.method, request.url.path.rpartition("/")[2])
        if request.method != "GET" and kind not in self.lost:
            self.lost.add(kind)
            raise httpx.ReadError("The line was cut.", request=request)
        return answer


def test_what_is_sent_again_after_a_lost_answer_counts_once(
    url: str, token: str, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT", 0.01)
    line = _Cut()

    with connect(url, token, transport=line).run("loans", dataset.pk, seed=7) as run:
        run.log_params(C=0.5)
        run.log_model(trained(run, dataset))

    assert line.lost == {
        ("POST", "outside"), ("POST", "reports"), ("PUT", "artefact"), ("POST", "end"),
    }  # fmt: skip
    assert Run.objects.get().status == "succeeded"
    assert RunReport.objects.count() == 2
    assert not Entry.objects.filter(event="audit.action_refused").exists()


def test_the_columns_that_the_client_makes_are_those_of_the_contract(
    registry: Registry, dataset: Dataset
) -> None:
    frame = a_frame()
    table = frame.astype({"purpose": object}).where(frame.notna(), None)

    with registry.run("loans", dataset.pk) as run:
        made = run.matrix(table)

    assert np.array_equal(
        made, CONTRACT.matrix(queries.snapshot_of(dataset).packed), equal_nan=True
    )


@pytest.mark.long
def test_the_example_of_the_documentation_runs_as_it_stands(
    url: str, token: str, dataset: Dataset, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "runs.md").read_text(), re.S)
    shutil.copy(ROOT / "registry" / "client.py", tmp_path)
    (tmp_path / "train.py").write_text(example.replace("dataset=1,", f"dataset={dataset.pk},"))
    a_frame().drop(columns="row_id").to_csv(tmp_path / "applicants.csv", index=False)

    ended = alone(tmp_path, url, token, "train.py")

    assert ended.returncode == 0, ended.stderr
    run_id, status, auc = ended.stdout.split()
    kept = Run.objects.get(pk=run_id)
    assert status == kept.status == "succeeded"
    assert float(auc) == kept.metrics["holdout"]["performance"]["auc"]
    said = queries.reported_of(kept)
    assert said.last["auc"] == pytest.approx(float(auc), abs=1e-12), "it scored the rows held out"
    assert said.scores["performance"]["auc"] == pytest.approx(float(auc), abs=1e-12)
    assert set(kept.plots) == {
        "roc", "calibration", "confusion", "importance",
        "reported_roc", "reported_calibration", "reported_confusion",
    }  # fmt: skip


@pytest.mark.long
def test_a_shell_reports_shows_and_compares(
    url: str, token: str, dataset: Dataset, registry: Registry, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "registry" / "client.py", tmp_path)
    (tmp_path / "scores.csv").write_text("bad,pd\n0,0.1\n1,0.7\n0,0.4\n1,0.6\n")
    with registry.run("loans", dataset.pk, seed=7) as first:
        (tmp_path / "model.skops").write_bytes(artefacts.dump(trained(first, dataset)))
        first.log_params(C=2)

    reported = alone(
        tmp_path, url, token, "client.py", "report", "loans", str(dataset.pk), "--seed", "7",
        "--param", "C=0.5", "--metric", "auc=0.8", "--scores", "scores.csv", "--artefact", "model.skops",
    )  # fmt: skip
    kept = Run.objects.first()
    assert reported.returncode == 0, reported.stderr
    assert kept is not None
    assert kept.artefact_sha256
    compared = alone(tmp_path, url, token, "client.py", "compare", first.id, str(kept.pk))
    refused = alone(tmp_path, url, token, "client.py", "show", str(UUID(int=0)))

    assert '"differs": true' in compared.stdout
    assert refused.returncode == 1
    assert "unknown-run" in refused.stderr


def alone(folder: Path, url: str, token: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A program of a data scientist, who has the one file of the client and nothing else of Credence."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CREDENCE_URL": url, "CREDENCE_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_client_brings_nothing_of_django_and_nothing_of_ours() -> None:
    check = (
        "import registry.client, sys; "
        "sys.exit(', '.join(m for m in sys.modules if m.partition('.')[0] in "
        "('django', 'rest_framework', 'audit', 'serving') or m.startswith('registry.') and m != 'registry.client') or None)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr


def test_a_token_that_may_not_report_is_refused_in_words(url: str, dataset: Dataset) -> None:
    stranger = connect(url, live.a_token(a_person("ines", "auditor")))

    with pytest.raises(RegistryError, match="registry\\.report_run") as refused:
        stranger.run("loans", dataset.pk).__enter__()

    assert (refused.value.type, refused.value.status) == ("not-permitted", 403)
    assert Entry.objects.filter(event="audit.action_refused").count() == 1

"""Runs of a real MLflow tracking server, and what is said back to it.

The server has an environment of its own, which pip fills: MLflow asks for older packages than the product does. So
these tests need a package index. Without one they are skipped, and fail where SERVICES=required. MLFLOW_PYTHON names
a Python that has MLflow and skops already.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit.entries import parse
from audit.models import Entry
from registry import execution, queries, write_backs
from registry.actions.versions import change_stage, promote_to_champion, register_version
from registry.models import Artefact, ModelVersion, Run, TrackedRun
from registry.snapshots import load_snapshot, to_parquet
from registry.tracking import TrackingServer
from tests.journeys.told import free_port
from tests.registry.builders import (
    CONTRACT,
    CUT_OFF,
    a_clearance,
    a_dataset,
    a_frame,
    a_model,
    a_policy,
    the_builder,
)
from tests.services import mode

pytestmark = [pytest.mark.long, pytest.mark.django_db]

# What a data scientist runs elsewhere: three models of one data set, in two formats and one by itself.
TRAINING = """
import sys
import mlflow, numpy, skops.io
from mlflow.models import infer_signature
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

uri, data = sys.argv[1:]
mlflow.set_tracking_uri(uri)
arrays = numpy.load(data)
matrix, bad = arrays["matrix"], arrays["bad"]
estimator = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=0.5, max_iter=2000))
estimator.fit(matrix, bad)
signature = infer_signature(matrix, estimator.predict(matrix))
for name in ("skops", "cloudpickle"):
    with mlflow.start_run() as run:
        mlflow.log_param("C", 0.5)
        mlflow.set_tag("team", "cards")
        for step in range(3):
            mlflow.log_metric("auc", 0.7 + step / 100, step=step)
        trusted = {"skops_trusted_types": ["numpy.dtype"]} if name == "skops" else {}
        mlflow.sklearn.log_model(
            estimator, name="model", signature=signature, registered_model_name=f"loans-{name}",
            serialization_format=name, **trusted,
        )
        print(run.info.run_id)
"""


@dataclass(frozen=True)
class Mlflow:
    """A running server, and the ids of the runs with a skops and with a pickled model."""

    uri: str
    skops_run: str
    pickled_run: str


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlflow]:
    folder = tmp_path_factory.mktemp("mlflow")
    python = installed(folder / "venv")
    uri = f"http://127.0.0.1:{free_port()}"
    quiet = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [
            python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", uri.rpartition(":")[2],
            "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
            "--artifacts-destination", str(folder / "artefacts"),
        ],
        cwd=folder, env=quiet, stdout=log, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(uri, server, folder / "log")
        snapshot = load_snapshot(to_parquet(a_frame(), CONTRACT), CONTRACT)
        np.savez(folder / "data.npz", matrix=CONTRACT.matrix(snapshot.packed), bad=snapshot.bad)
        (folder / "training.py").write_text(TRAINING)
        trained = subprocess.run(
            [python, "training.py", uri, str(folder / "data.npz")],
            cwd=folder, env=quiet, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert trained.returncode == 0, trained.stderr[-3000:]
        ids: list[str] = [
            word for word in trained.stdout.split() if len(word) == 32 and word.isalnum()
        ]
        yield Mlflow(uri, *ids)
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)
        log.close()


def installed(folder: Path) -> str:
    """A Python with MLflow in an environment of its own."""
    if given := os.environ.get("MLFLOW_PYTHON"):
        return given
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    python = str(folder / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "mlflow>=3.9", "skops", "scikit-learn"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode:
        if mode() == "required":
            pytest.fail(f"pip cannot install MLflow: {done.stderr[-500:]}")
        pytest.skip("pip cannot install MLflow here, so no tracking server is tested")
    return python


def wait_for(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(f"{uri}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.3)
    pytest.fail(f"MLflow did not start: {log.read_text()[-3000:]}")


def bring_in(mlflow: Mlflow, what: str, by: User, *more: str) -> Run:
    """What `manage.py import_mlflow` imports, measured by a worker."""
    if not queries.ScoringModel.objects.filter(name="loans").exists():
        a_model("loans")
        a_dataset(name="applicants")
    number = str(queries.Dataset.objects.get(name="applicants").pk)
    call_command(
        "import_mlflow", what, "--tracking-uri", mlflow.uri, "--as", by.username,
        "--model", "loans", "--dataset", number, "--seed", "7", *more, verbosity=0,
    )  # fmt: skip
    run = Run.objects.latest("id")
    execution.train_run(run.pk, by=the_builder())
    run.refresh_from_db()
    return run


def a_version_of(run: Run, by: User) -> ModelVersion:
    return register_version(run, CUT_OFF, a_policy("decision"), a_policy("reason_library"), by=by)


def written_back() -> list[dict]:
    """Every waiting message sent, as the sweep's worker does; the entries of what came of it."""
    for waiting in queries.write_backs_waiting().order_by("id"):
        write_backs.write_back(waiting.pk, by=the_builder())
    found = Entry.objects.filter(event="registry.version.stage_written_back").order_by("id")
    return [parse(bytes(entry.body))["public"] for entry in found]


def test_a_registered_model_version_is_imported_measured_and_told_what_became_of_it(
    mlflow: Mlflow, developer: User
) -> None:
    run = bring_in(mlflow, "models:/loans-skops/1", developer)
    again = bring_in(mlflow, "models:/loans-skops/1", developer)

    assert again.pk == run.pk, "imported twice it is one run"
    assert run.status == "succeeded"
    assert run.metrics["holdout"]["performance"]["auc"] > 0.6
    said = queries.reported_of(run)
    assert said.params == {"C": "0.5"}
    assert said.tags["team"] == "cards"
    assert said.metrics == {"auc": {0: 0.7, 1: 0.71, 2: 0.72}}
    tracked = TrackedRun.objects.get(run=run)
    assert (tracked.model_name, tracked.model_version) == ("loans-skops", "1")
    assert tracked.mlflow_run_id == mlflow.skops_run

    version = a_version_of(run, developer)
    version = change_stage(version, "staging", by=the_builder(), reason="The gates passed.")
    a_clearance(version)
    version = promote_to_champion(version, by=the_builder())
    told = written_back()

    with TrackingServer(mlflow.uri) as server:
        there = server.model_version("loans-skops", "1")
        tags = {tag["key"]: tag["value"] for tag in there["tags"]}
        assert there["aliases"] == ["champion"]
        assert tags["credence.stage"] == "production"
        assert tags["credence.version"] == "loans/1"
        assert tags["credence.approved"].startswith("change request ")
        assert tags["credence.evidence_digest"] == "e" * 64
        assert [entry["state"] for entry in told] == ["written", "written"]

        change_stage(version, "suspended", by=the_builder(), reason="It was wrong.")
        written_back()

        there = server.model_version("loans-skops", "1")
        assert not there.get("aliases")
        tags = {tag["key"]: tag["value"] for tag in there["tags"]}
        assert tags["credence.stage"] == "suspended"


def test_a_pickled_model_is_refused_by_content_with_what_to_do(
    mlflow: Mlflow, developer: User
) -> None:
    with pytest.raises(CommandError, match=r"pickle.*serialization_format=.skops"):
        bring_in(mlflow, mlflow.pickled_run, developer)

    run = Run.objects.get()
    assert (run.status, run.error) == ("failed", "PickleRefused")
    assert not Artefact.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()


def test_a_model_of_other_columns_is_refused_by_its_signature(
    mlflow: Mlflow, developer: User
) -> None:
    a_model("loans")
    smaller = type(CONTRACT)(CONTRACT.features[:2])
    frame = a_frame()[["row_id", "dti", "income", "bad"]]
    a_dataset(frame, name="applicants", contract=smaller)

    with pytest.raises(CommandError, match=r"8\], and the contract gives 2 columns"):
        bring_in(mlflow, mlflow.skops_run, developer)

    assert not Run.objects.exists()

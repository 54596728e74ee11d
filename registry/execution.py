"""Carrying a training run out: taken, trained outside of any transaction, ended.

A worker that dies between the acts leaves the run at work; the sweep ends such runs with the reason.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from audit.action import require_act
from audit.context import acting
from audit.dispatch import send_on_commit
from audit.errors import Refusal
from audit.store import content_store
from registry import artefacts, charts, queries, training
from registry.actions.runs import (
    TrainingOutcome,
    complete_run,
    fail_run,
    record_reproduction,
    start_run,
)
from registry.errors import RunNotSucceeded, TrainedOutside
from registry.measures.calibration import calibration
from registry.measures.performance import roc_curve
from registry.models import Reproduction, Run
from registry.provenance import environment_changes
from registry.reporting import confusion

LOST_AFTER = timedelta(minutes=2)
DEAD_AFTER = timedelta(hours=4)
SILENT_AFTER = timedelta(days=7)


def train_run(run_id: UUID, *, by: User) -> None:
    """Train a queued run, or measure the model that it brought from outside, on behalf of whoever asked for it. A run that is not queued is left alone."""
    run = queries.run_with(run_id)
    if run.status != Run.Status.QUEUED:
        return
    with acting(on_behalf_of=run.requested_by.get_username(), trigger=f"run {run_id}"):
        start_run(run_id, by=by)
        try:
            outcome = measure_handed_in(run) if run.is_outside else train(run)
        except Refusal as refusal:
            fail_run(run_id, refusal.detail, by=by)
        except Exception as error:
            fail_run(run_id, f"An unexpected {type(error).__name__}; see the worker's log.", by=by)
            raise
        else:
            complete_run(run_id, outcome, by=by)


def sweep_runs(at: datetime, *, by: User) -> None:
    """Send runs again whose message was lost, and end runs whose worker died."""
    for run in queries.runs_waiting_since(at - LOST_AFTER):
        send_on_commit("registry.train_run", str(run.pk))
    for run in queries.runs_at_work_since(at - DEAD_AFTER):
        hours = DEAD_AFTER.total_seconds() / 3600
        fail_run(run.pk, f"The worker did not finish within {hours:g} hours.", by=by)
    for run in queries.runs_unheard_since(at - SILENT_AFTER):
        fail_run(run.pk, f"Its client said nothing for {SILENT_AFTER.days} days.", by=by)


def reproduce_run(run_id: UUID, *, by: User) -> Reproduction:
    """Train a finished run again from its record, and keep whether the same model came of it.

    Raises NotPermitted, UnknownRun, RunNotSucceeded, TrainedOutside, or NotStored or StoredBytesDiffer where its data cannot be read.
    """
    require_act(record_reproduction, by=by)  # before minutes of training
    run = queries.run_with(run_id)
    if run.status != Run.Status.SUCCEEDED:
        raise RunNotSucceeded(f"The run {run_id} is {run.status}; it left nothing to compare with.")
    if run.is_outside:
        raise TrainedOutside(
            f"The run {run_id} was trained outside. Its record says which data, code and packages its client named, and"
            " not how it trained: it cannot be trained again here. Only its client can run that code again."
        )
    recorded = content_store().get("environments", run.environment_sha256)
    return record_reproduction(run, train(run), environment_changes(recorded), by=by)


def train(run: Run) -> TrainingOutcome:
    """What the run's record trains: the same outcome, but for the artefact's bytes, whenever called."""
    contract = queries.contract_of(run.dataset)
    snapshot = queries.snapshot_of(run.dataset)
    matrix = contract.matrix(snapshot.packed)
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    estimator = training.fit(
        matrix[in_sample],
        snapshot.bad[in_sample],
        run.algorithm,
        run.params,
        run.seed,
        monotonic_cst=contract.monotonic_cst,
    )
    return _outcome(run, estimator, artefacts.dump(estimator, made_by=f"run {run.pk}"))


def measure_handed_in(run: Run) -> TrainingOutcome:
    """What this service measures of a model that was trained outside, on the run's own data.

    The rows held out follow from the run's seed and share. Whether the client trained on the others alone is its word.
    """
    handed_in = queries.reported_of(run).model
    data = content_store().get("artefacts", handed_in["artefact_sha256"])
    return _outcome(run, artefacts.load(data), data)


def _outcome(run: Run, estimator: BaseEstimator, artefact: bytes) -> TrainingOutcome:
    contract, snapshot = queries.contract_of(run.dataset), queries.snapshot_of(run.dataset)
    matrix = contract.matrix(snapshot.packed)
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    pd = training.probabilities_of_bad(estimator, matrix)
    importance = training.importance(
        estimator, contract, matrix[~in_sample], snapshot.bad[~in_sample], run.seed
    )
    return TrainingOutcome(
        artefact=artefact,
        content_sha256=artefacts.content_sha256(estimator),
        metrics={
            "in_sample": training.evaluate(snapshot.bad[in_sample], pd[in_sample]),
            "holdout": training.evaluate(snapshot.bad[~in_sample], pd[~in_sample]),
            "importance": importance,
        },
        plots=_plots(snapshot.bad, pd, in_sample, importance),
    )


def _plots(
    bad: NDArray[Any],
    pd: NDArray[np.float64],
    in_sample: NDArray[np.bool_],
    importance: dict[str, float],
) -> dict[str, str]:
    curves = {
        "holdout": roc_curve(bad[~in_sample], pd[~in_sample]),
        "in sample": roc_curve(bad[in_sample], pd[in_sample]),
    }
    return {
        "roc": charts.roc(curves),
        "calibration": charts.calibration(calibration(bad[~in_sample], pd[~in_sample]).bands),
        "importance": charts.importance(
            importance, title="Loss of AUC when the feature is shuffled"
        ),
        "confusion": charts.confusion(
            confusion(bad[~in_sample], pd[~in_sample], float(bad[~in_sample].mean()))
        ),
    }

"""Acts on training runs: asked for by a person, carried out by a worker."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.deferred import deferred
from audit.dispatch import send_on_commit
from audit.store import content_store
from registry import provenance
from registry.errors import RunNotQueued, RunNotRunning, RunNotSucceeded
from registry.events import Event
from registry.loading import sign_artefact
from registry.models import Artefact, Dataset, Reproduction, Run, ScoringModel
from registry.queries import run_with
from registry.training import require_params, require_splitting

if TYPE_CHECKING:
    from registry import artefacts
else:
    artefacts = deferred("registry.artefacts")

LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a finished training leaves: the artefact's bytes and content, measures, and SVG plots by name."""

    artefact: bytes
    content_sha256: str
    metrics: Mapping[str, Any]
    plots: Mapping[str, str]


@action(Event.RUN_REQUESTED, needs="registry.request_run")
def request_run(
    model: ScoringModel,
    dataset: Dataset,
    algorithm: str,
    params: Mapping[str, Any],
    seed: int,
    holdout_share: float,
    *,
    by: User,
) -> Run:
    """Queue a training run. The row is the intent; a worker takes it once this has committed.

    Raises ParamsRefused, ExtraMissing or InvalidInput.
    """
    require_params(algorithm, params)
    require_splitting(seed, holdout_share)
    run = Run(
        model=model,
        dataset=dataset,
        algorithm=algorithm,
        params=dict(params),
        seed=seed,
        holdout_share=holdout_share,
        requested_by=by,
        requested_at=timezone.now(),
    )
    run.entry = record(
        subject=run.subject,
        model=model.name,
        dataset_sha256=dataset.sha256,
        algorithm=algorithm,
        params=run.params,
        seed=seed,
        holdout_share=holdout_share,
    )
    run.save(force_insert=True)
    send_on_commit("registry.train_run", str(run.pk))
    return run


@action(Event.RUN_STARTED, needs="registry.train_run")
def start_run(run_id: UUID, *, by: User) -> Run:
    """Take a queued run for this worker. Raises RunNotQueued when another worker took it first.

    Code and environment of a run trained outside stay those that its client named.
    """
    run = run_with(run_id)
    trained_with = (
        {}
        if run.is_outside
        else {
            "code_revision": provenance.code_revision(),
            "environment_sha256": content_store().put("environments", provenance.environment()),
        }
    )
    taken = Run.objects.filter(pk=run_id, status=Run.Status.QUEUED).update(
        status=Run.Status.RUNNING, started_at=timezone.now(), **trained_with
    )
    run = run_with(run_id)
    if not taken:
        raise RunNotQueued(f"The run {run_id} is {run.status}, not queued.")
    record(
        subject=run.subject,
        code_revision=run.code_revision,
        environment_sha256=run.environment_sha256,
    )
    return run


@action(Event.RUN_SUCCEEDED, needs="registry.train_run")
def complete_run(run_id: UUID, outcome: TrainingOutcome, *, by: User) -> Run:
    """Keep and sign what a run left. Raises RunNotRunning."""
    run = _running(run_id)
    # A crash after these leaves bytes that no row names.
    run.artefact_sha256 = content_store().put("artefacts", outcome.artefact)
    run.plots |= {
        name: content_store().put("plots", svg.encode()) for name, svg in outcome.plots.items()
    }
    run.content_sha256 = outcome.content_sha256
    run.metrics = dict(outcome.metrics)
    run.status = Run.Status.SUCCEEDED
    run.finished_at = timezone.now()
    signature = sign_artefact(outcome.artefact)
    entry = record(
        subject=run.subject,
        model=run.model.name,
        artefact_sha256=run.artefact_sha256,
        content_sha256=run.content_sha256,
        key_id=signature.key_id,
        signature=signature.value,
        plots=run.plots,
        holdout=_headline(run.metrics),
    )
    Artefact.objects.create(
        sha256=run.artefact_sha256,
        content_sha256=run.content_sha256,
        format=artefacts.format_of(outcome.artefact),
        size=len(outcome.artefact),
        key_id=signature.key_id,
        signature=signature.value,
        run=run,
        created_at=run.finished_at,
        entry=entry,
    )
    run.save(
        update_fields=[
            "status",
            "finished_at",
            "artefact_sha256",
            "content_sha256",
            "metrics",
            "plots",
        ]
    )
    return run


@action(Event.RUN_FAILED, needs="registry.train_run")
def fail_run(run_id: UUID, error: str, *, by: User) -> Run:
    """Say why a run left nothing: one at work, or one whose client was not heard of again. Raises RunNotRunning."""
    run = _running(run_id, Run.Status.OPEN)
    run.status = Run.Status.FAILED
    run.error = error[:LONGEST_ERROR]
    run.finished_at = timezone.now()
    record(subject=run.subject, model=run.model.name, error=run.error)
    run.save(update_fields=["status", "error", "finished_at"])
    return run


@action(Event.RUN_REPRODUCED, needs="registry.reproduce_run")
def record_reproduction(
    run: Run, outcome: TrainingOutcome, environment_changes: list[str], *, by: User
) -> Reproduction:
    """Keep whether training a finished run again gave the same model. Raises RunNotSucceeded."""
    if run.status != Run.Status.SUCCEEDED:
        raise RunNotSucceeded(f"The run {run.pk} is {run.status}; it left nothing to compare with.")
    artefact_sha256 = hashlib.sha256(outcome.artefact).hexdigest()
    found = Reproduction(
        run=run,
        verdict=_verdict(run, outcome.content_sha256, artefact_sha256),
        content_sha256=outcome.content_sha256,
        artefact_sha256=artefact_sha256,
        holdout_auc_change=_headline(outcome.metrics)["auc"] - _headline(run.metrics)["auc"],
        code_revision=provenance.code_revision(),
        environment_changes=environment_changes,
        reproduced_by=by,
        reproduced_at=timezone.now(),
    )
    found.entry = record(
        subject=run.subject,
        verdict=found.verdict,
        content_sha256={"recorded": run.content_sha256, "found": found.content_sha256},
        artefact_sha256={"recorded": run.artefact_sha256, "found": artefact_sha256},
        holdout_auc_change=found.holdout_auc_change,
        code_revision={"recorded": run.code_revision, "found": found.code_revision},
        environment_changes=environment_changes,
    )
    found.save(force_insert=True)
    return found


def _verdict(run: Run, content_sha256: str, artefact_sha256: str) -> Reproduction.Verdict:
    if artefact_sha256 == run.artefact_sha256:
        return Reproduction.Verdict.SAME_BYTES
    if content_sha256 == run.content_sha256:
        return Reproduction.Verdict.SAME_CONTENT
    return Reproduction.Verdict.DIFFERENT


def _running(run_id: UUID, *or_else: str) -> Run:
    run = Run.objects.select_for_update().select_related("model").filter(pk=run_id).first()
    run = run or run_with(run_id)
    if run.status not in (Run.Status.RUNNING, *or_else):
        raise RunNotRunning(f"The run {run_id} is {run.status}, not at work.")
    return run


def _headline(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The holdout's performance as the log keeps it; the whole is in the run's row."""
    performance = metrics["holdout"]["performance"]
    return {name: performance[name] for name in ("auc", "ks_separation", "brier", "log_loss")}

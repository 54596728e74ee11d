"""Acts on runs that are trained outside: opened, reported and ended by the person who trains them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.canonical import digest_json
from audit.deferred import deferred
from audit.dispatch import send_on_commit
from audit.store import content_store
from registry.actions.runs import LONGEST_ERROR
from registry.errors import (
    KeyUsedOtherwise,
    ModelHandedIn,
    ReportRefused,
    RunNotOpen,
    RunOfAnother,
)
from registry.events import Event
from registry.models import Dataset, Run, RunReport, ScoringModel, TrackedRun
from registry.queries import contract_of, reported_of, run_with
from registry.reporting import problems_of, scored
from registry.training import require_fit, require_splitting

if TYPE_CHECKING:
    from registry import artefacts
else:
    artefacts = deferred("registry.artefacts")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client says when it opens a run. `environment`: its packages, as `provenance.environment_of` writes them."""

    seed: int
    holdout_share: float
    code_revision: str
    environment: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an imported run came from; `model_name` and `model_version` empty where no model was registered there."""

    tracking_uri: str
    mlflow_run_id: str
    model_name: str
    model_version: str
    flavour: str
    signature: Mapping[str, Any]


@action(Event.RUN_OPENED, needs="registry.report_run")
def open_run(
    model: ScoringModel, dataset: Dataset, key: UUID, opening: Opening, *, by: User
) -> Run:
    """Begin to report a run that is trained outside. Raises KeyUsedOtherwise or InvalidInput."""
    require_splitting(opening.seed, opening.holdout_share)
    if Run.objects.filter(client_key=key).exists():
        raise KeyUsedOtherwise(f"A run was opened with the key {key} before.")
    now = timezone.now()
    run = Run(
        model=model,
        dataset=dataset,
        algorithm=Run.Algorithm.OUTSIDE,
        seed=opening.seed,
        holdout_share=opening.holdout_share,
        status=Run.Status.OPEN,
        client_key=key,
        code_revision=opening.code_revision,
        environment_sha256=content_store().put("environments", opening.environment),
        requested_by=by,
        requested_at=now,
    )
    run.entry = record(
        subject=run.subject,
        model=model.name,
        dataset_sha256=dataset.sha256,
        seed=run.seed,
        holdout_share=run.holdout_share,
        code_revision=run.code_revision,
        environment_sha256=run.environment_sha256,
    )
    run.save(force_insert=True)
    return run


@action(Event.RUN_REPORTED, needs="registry.report_run")
def report_run(run_id: UUID, key: UUID, said: Mapping[str, Any], *, by: User) -> RunReport:
    """Keep one batch of what the client says of its run.

    `said`: any of `params`, `tags`, `metrics` (name, value, step), `importance`, and `scores` (bad, pd, threshold,
    sample), of which what follows is kept. Raises UnknownRun, RunNotOpen, RunOfAnother, KeyUsedOtherwise,
    ReportRefused, ReportConflicts or NotMeasurable.
    """
    run = _open(run_id, by)
    if problems := problems_of(said):
        raise ReportRefused("The report cannot be used; see `errors`.", errors=problems)
    body = dict(said)
    if "scores" in said:
        body["scores"] = scored(**said["scores"])
    reported_of(run).require_new(body)
    return _kept(run, key, body, digest_json(said))


@action(Event.RUN_HANDED_IN, needs="registry.report_run")
def hand_in_model(run_id: UUID, data: bytes, *, by: User) -> RunReport:
    """Keep the model that a run trained outside, to be measured when the run has ended.

    Raises UnknownRun, RunNotOpen, RunOfAnother, ModelHandedIn, ModelDoesNotFit, or what loading an artefact raises:
    PickleRefused and the other kinds of NotAnArtefact.
    """
    run = _open(run_id, by)
    if reported_of(run).model:
        raise ModelHandedIn(f"The run {run_id} was given another model before.")
    estimator = artefacts.load(data)
    require_fit(estimator, contract_of(run.dataset))
    sha256 = content_store().put("artefacts", data)
    model = {
        "artefact_sha256": sha256,
        "content_sha256": artefacts.content_sha256(estimator),
        "size": len(data),
    }
    return _kept(run, UUID(sha256[:32]), {"model": model}, sha256)


@action(Event.RUN_ENDED, needs="registry.report_run")
def end_run(run_id: UUID, error: str, plots: Mapping[str, str], *, by: User) -> Run:
    """End a run that was trained outside, and freeze what was said of it.

    With an `error` it failed. With a model it waits for a worker, who measures the model on the run's data. `plots`
    are SVG by name, drawn from what was reported. Raises UnknownRun, RunNotOpen or RunOfAnother.
    """
    run = _open(run_id, by)
    run.error = error[:LONGEST_ERROR]
    run.plots = {name: content_store().put("plots", svg.encode()) for name, svg in plots.items()}
    model = reported_of(run).model
    if error:
        run.status = Run.Status.FAILED
    else:
        run.status = Run.Status.QUEUED if model else Run.Status.SUCCEEDED
    if run.status != Run.Status.QUEUED:
        run.finished_at = timezone.now()
    record(
        subject=run.subject,
        model=run.model.name,
        status=run.status,
        error=run.error,
        artefact_sha256=model.get("artefact_sha256"),
        plots=run.plots,
    )
    run.save(update_fields=["status", "error", "plots", "finished_at"])
    if run.status == Run.Status.QUEUED:
        send_on_commit("registry.train_run", str(run.pk))
    return run


@action(Event.RUN_IMPORTED, needs="registry.report_run")
def link_tracked_run(run_id: UUID, origin: Origin, *, by: User) -> TrackedRun:
    """Say where an open run was imported from. Raises UnknownRun, RunNotOpen or RunOfAnother."""
    run = _open(run_id, by)
    tracked = TrackedRun(
        run=run,
        tracking_uri=origin.tracking_uri,
        mlflow_run_id=origin.mlflow_run_id,
        model_name=origin.model_name,
        model_version=origin.model_version,
        flavour=origin.flavour,
        signature=dict(origin.signature),
        imported_by=by,
        imported_at=timezone.now(),
    )
    tracked.entry = record(
        subject=run.subject,
        tracking_uri=origin.tracking_uri,
        mlflow_run_id=origin.mlflow_run_id,
        model_name=origin.model_name,
        model_version=origin.model_version,
        flavour=origin.flavour,
        signature_sha256=digest_json(tracked.signature),
    )
    tracked.save(force_insert=True)
    return tracked


def _open(run_id: UUID, by: User) -> Run:
    """The run, locked until the act ends, if it is open and the actor's."""
    locked = Run.objects.select_for_update(of=("self",)).select_related("model", "dataset")
    run = locked.filter(pk=run_id).first() or run_with(run_id)
    if run.status != Run.Status.OPEN:
        raise RunNotOpen(f"The run {run_id} is {run.status}, not open.")
    if run.requested_by_id != by.pk:
        raise RunOfAnother(f"{by.get_username()} did not open the run {run_id}.")
    return run


def _kept(run: Run, key: UUID, body: Mapping[str, Any], said_sha256: str) -> RunReport:
    if run.reports.filter(key=key).exists():
        raise KeyUsedOtherwise(f"Something else was reported with the key {key} before.")
    report = RunReport(
        run=run, key=key, body=dict(body), said_sha256=said_sha256, reported_at=timezone.now()
    )
    report.entry = record(
        subject=run.subject,
        said_sha256=said_sha256,
        body_sha256=digest_json(report.body),
        params=sorted(body.get("params", {})),
        tags=sorted(body.get("tags", {})),
        metrics=sorted({point["name"] for point in body.get("metrics", ())}),
        model=body.get("model"),
    )
    report.save(force_insert=True)
    return report

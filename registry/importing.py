"""A run of an MLflow tracking server becomes a run here, trained outside: once, however often it is imported.

1. What the server holds: run, parameters, metrics, model version, and the description and file of the model.
2. The signature must fit the contract of the data set.
3. The run is opened under a key that follows from where it came from, and reported, handed in and ended.

The file is told by its content: a pickle is refused, whatever flavour it is called.
"""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.auth.models import User

from audit.action import require
from registry import outside, queries
from registry.actions.outside_runs import Opening, Origin, link_tracked_run
from registry.errors import PickleRefused, TrackingMalformed
from registry.mlmodel import Described, described, require_signature
from registry.models import Dataset, Run, ScoringModel
from registry.provenance import environment_of
from registry.reporting import LONGEST_TEXT
from registry.tracking import TrackingServer

MODELS = "models:/"
GIT_TAG = "mlflow.source.git.commit"
AS_SKOPS = (
    ' Log it again with mlflow.sklearn.log_model(..., serialization_format="skops", skops_trusted_types=["numpy.dtype"]),'
    " or log a skops file and name it with --artefact."
)


@dataclass(frozen=True)
class Choice:
    """What to import: a run's id, or models:/NAME/VERSION or models:/NAME@ALIAS. `file`: a path among the run's artefacts."""

    what: str
    file: str
    seed: int
    holdout_share: float


@dataclass(frozen=True)
class _Found:
    run: dict[str, Any]
    name: str
    version: str
    flavour: str
    inputs: tuple[Any, ...]
    data: bytes
    requirements: tuple[str, ...]
    metrics: tuple[dict[str, Any], ...]


def import_run(
    server: TrackingServer, choice: Choice, model: ScoringModel, dataset: Dataset, *, by: User
) -> Run:
    """Raises NotPermitted, TrackingRefused, TrackingMalformed, PickleRefused or what reporting a run raises."""
    require(by, "registry.report_run")
    # 1
    found = _found(server, choice)
    run_id = found.run["info"]["run_id"]
    # 2
    if not choice.file:
        require_signature(found.inputs, queries.contract_of(dataset))
    # 3
    tags = {tag["key"]: tag["value"] for tag in found.run["data"].get("tags", ())}
    model_sha256 = hashlib.sha256(found.data).hexdigest()
    where = f"{server.uri} {run_id} {found.name} {found.version} {dataset.sha256} {model_sha256}"
    opening = Opening(
        choice.seed,
        choice.holdout_share,
        tags.get(GIT_TAG, ""),
        environment_of(found.requirements, "unknown"),
    )
    run = outside.open_run(model, dataset, uuid5(NAMESPACE_URL, where), opening, by=by)
    if run.status != Run.Status.OPEN:
        return run
    try:  # whatever is wrong with it ends the run that was opened for it
        _report(server.uri, run, found, tags, by)
    except Exception as error:
        outside.end_run(run.pk, type(error).__name__, by=by)
        raise
    return outside.end_run(run.pk, "", by=by)


def _report(uri: str, run: Run, found: _Found, tags: dict[str, str], by: User) -> None:
    run_id = found.run["info"]["run_id"]
    try:
        outside.hand_in_model(run.pk, found.data, by=by)
    except PickleRefused as refusal:
        raise PickleRefused(refusal.detail + AS_SKOPS) from refusal
    said = {
        "params": {one["key"]: one["value"] for one in found.run["data"].get("params", ())},
        "tags": {
            name: value[:LONGEST_TEXT]
            for name, value in tags.items()
            if name != "mlflow.log-model.history"
        },
        "metrics": list(found.metrics),
    }
    outside.report_run(run.pk, UUID(run_id), said, by=by)
    origin = Origin(
        uri, run_id, found.name, found.version, found.flavour, {"inputs": list(found.inputs)}
    )
    if not hasattr(run, "tracked"):
        link_tracked_run(run.pk, origin, by=by)


def _found(server: TrackingServer, choice: Choice) -> _Found:
    name = version = ""
    if choice.what.startswith(MODELS):
        name, version = _named(choice.what)
        registered = server.model_version(name, version)
        version, run_id = str(registered["version"]), str(registered.get("run_id") or "")
        if not run_id:
            raise TrackingMalformed(f"{choice.what} belongs to no run there.")
        folder = server.files_of_version(name, version)
    else:
        run_id = choice.what
        folder = ""
    run = server.run(run_id)
    own = str(run["info"]["artifact_uri"])
    if choice.file:
        data = server.file(own, choice.file)
        return _Found(run, name, version, "file", (), data, (), _metrics(server, run))
    folder = folder or _folder_of(run, own)
    about: Described = described(server.file(folder, "MLmodel").decode(errors="replace"))
    packages = server.file(folder, "requirements.txt").decode(errors="replace").split()
    return _Found(
        run,
        name,
        version,
        about.flavour,
        about.inputs,
        server.file(folder, about.file),
        tuple(package for package in packages if "==" in package),
        _metrics(server, run),
    )


def _folder_of(run: dict[str, Any], own: str) -> str:
    """Where the one model of a run lies: among the run's artefacts, or since MLflow 3 beside them."""
    outputs = (run.get("outputs") or {}).get("model_outputs") or []
    if len(outputs) != 1:
        raise TrackingMalformed(
            f"The run has {len(outputs)} logged models. Name a registered version as models:/NAME/VERSION, or a file"
            " of the run with --artefact."
        )
    experiment = own.rsplit("/", 2)[0]
    return f"{experiment}/models/{outputs[0]['model_id']}/artifacts"


def _named(what: str) -> tuple[str, str]:
    rest = what.removeprefix(MODELS)
    name, at, alias = rest.partition("@")
    if at:
        return name, f"@{alias}"
    name, _, version = rest.rpartition("/")
    if not name or not version.isdecimal():
        raise TrackingMalformed(f"{what!r} is neither models:/NAME/VERSION nor models:/NAME@ALIAS.")
    return name, version


def _metrics(server: TrackingServer, run: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"name": point["key"], "value": float(point["value"]), "step": int(point.get("step", 0))}
        for metric in run["data"].get("metrics", ())
        for point in _last_by_step(server.history(run["info"]["run_id"], metric["key"]))
    )


def _last_by_step(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """MLflow keeps every value logged at a step; the last one said counts."""
    ordered = sorted(points, key=lambda point: int(point.get("timestamp", 0)))
    return list({int(point.get("step", 0)): point for point in ordered}.values())

"""Runs side by side: what they were asked for, what they measured, and their curves, each with where it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from audit.deferred import deferred
from audit.errors import FieldProblem
from audit.store import content_store
from registry import queries, training
from registry.errors import RunsNotComparable
from registry.measures.calibration import calibration
from registry.measures.performance import roc_curve
from registry.models import Run
from registry.provenance import environment_differences
from registry.reporting import Reported

if TYPE_CHECKING:
    from registry import artefacts
else:
    artefacts = deferred("registry.artefacts")

FEWEST, MOST = 2, 5
MEASURES = (
    ("performance", "auc"),
    ("performance", "gini"),
    ("performance", "ks_separation"),
    ("performance", "brier"),
    ("performance", "log_loss"),
    ("calibration", "slope"),
    ("calibration", "intercept"),
    ("calibration", "observed_expected"),
)
MEASURED, REPORTED, NONE = "measured here", "reported by the client", "none"

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Row:
    """One line of the comparison: a value per run, None where a run has none."""

    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True)
class Curves:
    """ROC as (false, true) positive rates, calibration as (mean pd, bad rate) by band; all 0 to 1."""

    source: str
    roc: Points
    calibration: Points


@dataclass(frozen=True)
class RunComparison:
    """Two to five runs in the order asked for; every row holds one value for each."""

    runs: tuple[Run, ...]
    about: tuple[Row, ...]
    params: tuple[Row, ...]
    measured: tuple[Row, ...]
    reported: tuple[Row, ...]
    curves: tuple[Curves, ...]
    environments: tuple[tuple[str, ...] | None, ...]
    """Of each run after the first what differs from the first's packages; None where one kept none."""


def compared(run_ids: Sequence[UUID]) -> RunComparison:
    """Raises RunsNotComparable, UnknownRun, or what loading an artefact or a data set raises."""
    if not FEWEST <= len(run_ids) <= MOST or len(set(run_ids)) != len(run_ids):
        raise RunsNotComparable(f"Name {FEWEST} to {MOST} different runs.")
    runs = tuple(queries.run_with(run_id) for run_id in run_ids)
    said = tuple(queries.reported_of(run) for run in runs)
    return RunComparison(
        runs,
        about=_about(runs),
        params=_rows([run.params | one.params for run, one in zip(runs, said, strict=True)]),
        measured=tuple(_measured(runs, *path) for path in MEASURES),
        reported=_rows([one.last for one in said]),
        curves=tuple(_curves(run, one) for run, one in zip(runs, said, strict=True)),
        environments=tuple(_environment(runs[0], run) for run in runs[1:]),
    )


def run_ids(words: Sequence[str]) -> list[UUID]:
    """The identifiers in a request. Raises RunsNotComparable where one is none."""
    try:
        return [UUID(word) for word in words]
    except ValueError:
        problem = FieldProblem("run", "malformed", "Must be the identifier of a run.")
        raise RunsNotComparable("Name runs by their identifiers.", errors=[problem]) from None


def _about(runs: Sequence[Run]) -> tuple[Row, ...]:
    return _rows(
        [
            {
                "model": run.model.name,
                "algorithm": run.get_algorithm_display(),
                "status": run.status,
                "data set": f"{run.dataset.name} ({run.dataset.sha256[:12]})",
                "rows": run.dataset.rows,
                "seed": run.seed,
                "holdout share": run.holdout_share,
                "code revision": run.code_revision,
                "content_sha256": run.content_sha256[:12],
            }
            for run in runs
        ]
    )


def _rows(columns: Sequence[dict[str, Any]]) -> tuple[Row, ...]:
    names = dict.fromkeys(name for column in columns for name in column)
    return tuple(Row(name, tuple(column.get(name) for column in columns)) for name in names)


def _measured(runs: Sequence[Run], kind: str, name: str) -> Row:
    return Row(name, tuple(run.metrics.get("holdout", {}).get(kind, {}).get(name) for run in runs))


def _curves(run: Run, said: Reported) -> Curves:
    if run.artefact_sha256:
        return _measured_curves(run.artefact_sha256, run.dataset_id, run.holdout_share, run.seed)
    if not said.scores:
        return Curves(NONE, (), ())
    bands = said.scores["calibration"]["bands"]
    return Curves(
        REPORTED,
        tuple((x, y) for x, y in said.scores["roc"]),
        tuple((band["mean_pd"], band["bad_rate"]) for band in bands),
    )


@lru_cache(maxsize=32)
def _measured_curves(
    artefact_sha256: str, dataset_id: int, holdout_share: float, seed: int
) -> Curves:
    """Of the artefact's scores of the rows held out; an artefact and a data set never change."""
    dataset = queries.dataset_with(dataset_id)
    snapshot = queries.snapshot_of(dataset)
    held_out = ~training.split(snapshot.row_ids.tolist(), snapshot.bad, holdout_share, seed)
    estimator = artefacts.load(content_store().get("artefacts", artefact_sha256))
    matrix = queries.contract_of(dataset).matrix(snapshot.packed[held_out])
    bad, pd = snapshot.bad[held_out], training.probabilities_of_bad(estimator, matrix)
    false_alarms, hits = roc_curve(bad, pd)
    return Curves(
        MEASURED,
        tuple(zip(false_alarms.tolist(), hits.tolist(), strict=True)),
        tuple((band.mean_pd, band.bad_rate) for band in calibration(bad, pd).bands),
    )


def _environment(first: Run, other: Run) -> tuple[str, ...] | None:
    if not first.environment_sha256 or not other.environment_sha256:
        return None
    one, two = (
        content_store().get("environments", run.environment_sha256) for run in (first, other)
    )
    return tuple(environment_differences(one, two))

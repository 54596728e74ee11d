"""Runs that are trained outside, for clients that may say everything twice: what came before is answered, not done again."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit.action import holds
from audit.canonical import digest_json
from registry import queries
from registry.actions import outside_runs as acts
from registry.actions.outside_runs import Opening
from registry.measures.calibration import Band
from registry.measures.statistics import Interval
from registry.models import Dataset, Run, RunReport, ScoringModel
from registry.reporting import REPORTED, Reported


def open_run(
    model: ScoringModel, dataset: Dataset, key: UUID, opening: Opening, *, by: User
) -> Run:
    """The run of that key: opened now, or before in the same words. Raises what the act raises."""
    run = queries.run_of_key(key)
    if run and _may(by) and _was_opened_so(run, model, dataset, opening, by):
        return run
    return acts.open_run(model, dataset, key, opening, by=by)


def report_run(run_id: UUID, key: UUID, said: Mapping[str, Any], *, by: User) -> RunReport:
    """The report of that key, kept now, or before with the same content. Raises what the act raises."""
    kept = _kept(run_id, key, by)
    if kept and kept.said_sha256 == digest_json(said):
        return kept
    return acts.report_run(run_id, key, said, by=by)


def hand_in_model(run_id: UUID, data: bytes, *, by: User) -> RunReport:
    """The report of the model with these bytes. Raises what the act raises."""
    sha256 = hashlib.sha256(data).hexdigest()
    kept = _kept(run_id, UUID(sha256[:32]), by)
    if kept and kept.said_sha256 == sha256:
        return kept
    return acts.hand_in_model(run_id, data, by=by)


def end_run(run_id: UUID, error: str, *, by: User) -> Run:
    """The run, ended now, or before in the same words. Raises what the act raises."""
    run = queries.run_with(run_id)
    ended = run.is_outside and run.requested_by_id == by.pk and run.status != Run.Status.OPEN
    if ended and error in ("", run.error) and _may(by):
        return run
    plots = {} if error else pictures(queries.reported_of(run))
    return acts.end_run(run_id, error, plots, by=by)


def pictures(reported: Reported) -> dict[str, str]:
    """SVG by name of what a client reported, each name saying so."""
    from registry import charts  # brings altair, which only pictures need

    drawn = {}
    if reported.scores:
        roc = list(zip(*reported.scores["roc"], strict=True))
        name = f"reported, {reported.scores['sample']}"
        drawn["roc"] = charts.roc({name: (roc[0], roc[1])})
        drawn["calibration"] = charts.calibration(bands_of(reported.scores["calibration"]))
        drawn["confusion"] = charts.confusion(reported.scores["confusion"])
    if reported.importance:
        drawn["importance"] = charts.importance(reported.importance, title="Importance as reported")
    return {f"{REPORTED}{name}": svg for name, svg in drawn.items()}


def bands_of(calibration: Mapping[str, Any]) -> list[Band]:
    """The bands of a calibration that was kept as JSON."""
    return [
        Band(**{**band, "bad_rate_interval": Interval(**band["bad_rate_interval"])})
        for band in calibration["bands"]
    ]


def _was_opened_so(
    run: Run, model: ScoringModel, dataset: Dataset, opening: Opening, by: User
) -> bool:
    return (
        run.requested_by_id,
        run.model_id,
        run.dataset_id,
        run.seed,
        run.holdout_share,
        run.code_revision,
        run.environment_sha256,
    ) == (
        by.pk,
        model.pk,
        dataset.pk,
        opening.seed,
        opening.holdout_share,
        opening.code_revision,
        hashlib.sha256(opening.environment).hexdigest(),
    )


def _may(by: User) -> bool:
    """Whether an answer may be given without the act; whoever may not is refused by it, and recorded."""
    return holds(by, "registry.report_run")


def _kept(run_id: UUID, key: UUID, by: User) -> RunReport | None:
    if not _may(by):
        return None
    return RunReport.objects.filter(run=run_id, key=key, run__requested_by=by).first()

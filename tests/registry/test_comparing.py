"""Runs side by side, over REST and in the admin."""

import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from sklearn.metrics import roc_curve

from registry import artefacts, comparing, queries, training
from registry.actions.outside_runs import Opening, end_run, open_run, report_run
from registry.comparing import compared
from registry.errors import RunsNotComparable
from registry.models import Run
from registry.provenance import environment_of
from tests.registry.builders import CONTRACT, a_dataset, a_model, a_run

SignIn = Callable[[User], Client]


@pytest.fixture
def runs(developer: User) -> tuple[Run, Run, Run]:
    """Two trained here with different parameters, and one of which its client reported scores alone."""
    model, dataset = a_model(), a_dataset()
    first = a_run(model, dataset, params={"C": 1.0})
    second = a_run(model, dataset, params={"C": 0.01})
    opening = Opening(7, 0.3, "b" * 40, environment_of(["numpy==1.0"], "3.9.1"))
    outside = open_run(model, dataset, uuid.uuid4(), opening, by=developer)
    said = {
        "params": {"C": 1.0, "solver": "saga"},
        "metrics": [{"name": "auc", "value": 0.7, "step": 0}],
        "scores": {
            "bad": [0, 0, 1, 1],
            "pd": [0.1, 0.6, 0.4, 0.9],
            "threshold": 0.5,
            "sample": "t",
        },
    }
    report_run(outside.pk, uuid.uuid4(), said, by=developer)
    end_run(outside.pk, "", {}, by=developer)
    return first, second, queries.run_with(outside.pk)


def rows(found: Any) -> dict[str, Any]:
    return {row.name: row for row in found}


def test_what_differs_between_runs_is_told_from_what_does_not(runs: tuple[Run, Run, Run]) -> None:
    found = compared([run.pk for run in runs])

    assert rows(found.params)["C"].values == (1.0, 0.01, 1.0)
    assert rows(found.params)["solver"].values == (None, None, "saga")
    assert rows(found.about)["seed"].differs is False
    assert rows(found.about)["code revision"].differs is True
    auc = [run.metrics["holdout"]["performance"]["auc"] for run in runs[:2]]
    assert rows(found.measured)["auc"].values == (*auc, None), "what is reported is not measured"
    assert rows(found.reported)["auc"].values == (None, None, 0.7)
    assert found.environments[0] == ()
    assert "python: " in "".join(found.environments[1] or ())


def test_curves_are_those_of_the_rows_held_out_and_say_where_they_come_from(
    runs: tuple[Run, Run, Run],
) -> None:
    run = runs[0]
    snapshot = queries.snapshot_of(run.dataset)
    held_out = ~training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    estimator = artefacts.load(queries.content_store().get("artefacts", run.artefact_sha256))
    pd = estimator.predict_proba(CONTRACT.matrix(snapshot.packed[held_out]))[:, 1]
    false_alarms, hits, _ = roc_curve(snapshot.bad[held_out], pd, drop_intermediate=False)

    measured, _, reported = compared([one.pk for one in runs]).curves

    assert measured.source == "measured here"
    assert np.allclose(measured.roc, np.column_stack([false_alarms, hits]))
    assert reported.source == "reported by the client"
    assert reported.roc == ((0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1))


@pytest.mark.parametrize("count", [0, 1, 6])
def test_two_to_five_different_runs_are_compared(count: int) -> None:
    with pytest.raises(RunsNotComparable):
        compared([uuid.uuid4() for _ in range(count)])
    with pytest.raises(RunsNotComparable):
        compared([uuid.UUID(int=1)] * 2)


def test_runs_are_compared_over_http(
    runs: tuple[Run, Run, Run], auditor: User, lending: User, signed_in: SignIn
) -> None:
    address = "/api/v1/runs/compare?" + "&".join(f"run={run.pk}" for run in runs)

    found = signed_in(auditor).get(address).json()
    alone = signed_in(auditor).get(f"/api/v1/runs/compare?run={runs[0].pk}")
    malformed = signed_in(auditor).get("/api/v1/runs/compare?run=x&run=y")

    assert found["runs"] == [str(run.pk) for run in runs]
    assert {row["name"]: row["differs"] for row in found["params"]} == {"C": True, "solver": True}
    assert [curves["source"] for curves in found["curves"]] == [
        comparing.MEASURED, comparing.MEASURED, comparing.REPORTED,
    ]  # fmt: skip
    assert (alone.status_code, malformed.status_code) == (422, 422)
    assert signed_in(lending).get(address).status_code == 403


def test_runs_chosen_in_the_list_are_shown_side_by_side(
    runs: tuple[Run, Run, Run], auditor: User, lending: User, signed_in: SignIn
) -> None:
    chosen = {"action": "compare", "_selected_action": [str(run.pk) for run in runs]}

    answer = signed_in(auditor).post("/registry/run/", chosen, follow=True)
    refused = signed_in(auditor).get(f"/registry/run/compare/?run={runs[0].pk}")

    body = answer.content.decode()
    assert 'data-differs="C"' in body
    assert 'data-differs="seed"' not in body
    assert body.count("<figure>") == 2
    assert refused.status_code == 422
    assert "Name 2 to 5 different runs." in refused.content.decode()
    assert signed_in(lending).get("/registry/run/compare/").status_code == 403


def test_the_window_of_an_outside_run_says_what_was_reported(
    runs: tuple[Run, Run, Run], auditor: User, signed_in: SignIn
) -> None:
    body = signed_in(auditor).get(f"/registry/run/{runs[2].pk}/change/").content.decode()

    assert "solver" in body
    assert "Reported by the client, not measured here" in body

"""Training is reproducible, refuses what it cannot do, and obeys the contract."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from registry import artefacts, training
from registry.errors import ParamsRefused, TrainingFailed
from registry.snapshots import Snapshot, load_snapshot, to_parquet
from tests.registry.applicants import CONTRACT, a_frame


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return load_snapshot(to_parquet(a_frame(), CONTRACT), CONTRACT)


@pytest.fixture(scope="module")
def matrix(snapshot: Snapshot) -> Any:
    return CONTRACT.matrix(snapshot.packed)


def test_goods_and_bads_are_held_out_in_the_same_share(snapshot: Snapshot) -> None:
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, 0.25, 7)

    for outcome in (0, 1):
        rows = in_sample[snapshot.bad == outcome]
        assert (~rows).sum() == round(0.25 * rows.size)


def test_which_rows_are_held_out_does_not_depend_on_their_order(snapshot: Snapshot) -> None:
    ids, bad = snapshot.row_ids, snapshot.bad
    order = np.random.default_rng(1).permutation(ids.size)

    in_sample = training.split(ids.tolist(), bad, 0.3, 7)
    shuffled = training.split(ids[order].tolist(), bad[order], 0.3, 7)

    assert np.array_equal(in_sample[order], shuffled)


def test_another_seed_holds_out_other_rows(snapshot: Snapshot) -> None:
    first = training.split(snapshot.row_ids.tolist(), snapshot.bad, 0.3, 7)
    second = training.split(snapshot.row_ids.tolist(), snapshot.bad, 0.3, 8)

    assert not np.array_equal(first, second)


def test_a_split_that_leaves_a_side_without_bads_is_refused() -> None:
    with pytest.raises(TrainingFailed):
        training.split(["1", "2", "3", "4"], [0, 0, 0, 1], 0.3, 7)


@pytest.mark.parametrize("algorithm", training.ALGORITHMS)
def test_the_same_record_trains_the_same_model(
    algorithm: str, snapshot: Snapshot, matrix: Any
) -> None:
    first = training.fit(matrix, snapshot.bad, algorithm, {}, 7)
    second = training.fit(matrix, snapshot.bad, algorithm, {}, 7)

    assert artefacts.content_sha256(first) == artefacts.content_sha256(second)


def test_another_number_of_threads_trains_the_same_model() -> None:
    program = (
        "from registry import artefacts, training\n"
        "from registry.snapshots import load_snapshot, to_parquet\n"
        "from tests.registry.applicants import CONTRACT, a_frame\n"
        "rows = load_snapshot(to_parquet(a_frame(), CONTRACT), CONTRACT)\n"
        "model = training.fit(CONTRACT.matrix(rows.packed), rows.bad, 'hist_gradient_boosting', {}, 7)\n"
        "print(artefacts.content_sha256(model))\n"
    )

    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "OMP_NUM_THREADS": threads, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    }

    assert len(digests) == 1


@pytest.mark.parametrize("algorithm", training.ALGORITHMS)
def test_a_model_of_signal_ranks_better_than_chance(
    algorithm: str, snapshot: Snapshot, matrix: Any
) -> None:
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, 0.3, 7)
    model = training.fit(matrix[in_sample], snapshot.bad[in_sample], algorithm, {}, 7)

    pd = training.probabilities_of_bad(model, matrix[~in_sample])
    measured = training.evaluate(snapshot.bad[~in_sample], pd)["performance"]

    assert measured["auc"] > 0.58
    assert measured["auc"] == pytest.approx(roc_auc_score(snapshot.bad[~in_sample], pd))
    assert measured["brier"] == pytest.approx(brier_score_loss(snapshot.bad[~in_sample], pd))
    floor = 1e-15  # a leaf of a tree may say 0 or 1, whose logarithm each library floors elsewhere
    clipped = np.clip(pd, floor, 1 - floor)
    assert measured["log_loss"] == pytest.approx(log_loss(snapshot.bad[~in_sample], clipped))


def test_trees_obey_the_declared_direction(snapshot: Snapshot, matrix: Any) -> None:
    model = training.fit(
        matrix,
        snapshot.bad,
        "hist_gradient_boosting",
        {},
        7,
        monotonic_cst=CONTRACT.monotonic_cst,
    )
    grid = np.repeat(matrix[:50], 21, axis=0)
    grid[:, 0] = np.tile(np.linspace(0, 100, 21), 50)

    pd = training.probabilities_of_bad(model, grid).reshape(50, 21)

    assert (np.diff(pd, axis=1) >= -1e-12).all()


def test_a_feature_without_values_still_has_its_column(matrix: Any, snapshot: Snapshot) -> None:
    empty = matrix.copy()
    empty[:, 1] = np.nan

    model = training.fit(empty, snapshot.bad, "logistic_regression", {}, 7)

    assert model[-1].coef_.shape == (1, matrix.shape[1])


def test_the_feature_that_carries_the_signal_matters_most(snapshot: Snapshot, matrix: Any) -> None:
    bad = (snapshot.packed[:, 2] >= 1).astype(int)
    model = training.fit(matrix, bad, "logistic_regression", {}, 7)

    losses = training.importance(model, CONTRACT, matrix, bad, 7)

    assert next(iter(losses)) == "delinquencies"
    assert set(losses) == set(CONTRACT.names)
    assert losses == training.importance(model, CONTRACT, matrix, bad, 7)


@pytest.mark.parametrize(
    ("params", "fields"),
    [
        ({"C": True}, {"params.C"}),
        (
            {"C": 0, "max_iter": 2.5, "penalty": "l1"},
            {"params.C", "params.max_iter", "params.penalty"},
        ),
        ({"learning_rate": 0.1}, {"params.learning_rate"}),
    ],
)
def test_parameters_that_cannot_be_used_are_named_at_once(
    params: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(ParamsRefused) as refusal:
        training.require_params("logistic_regression", params)

    assert {problem.field for problem in refusal.value.errors} == fields


def test_an_algorithm_nobody_knows_is_refused() -> None:
    with pytest.raises(ParamsRefused, match="deep_learning"):
        training.require_params("deep_learning", {})


def test_a_fit_that_does_not_converge_fails_by_name(snapshot: Snapshot, matrix: Any) -> None:
    with pytest.raises(TrainingFailed, match="10 iterations"):
        training.fit(
            matrix, matrix[:, 0] > 25, "logistic_regression", {"C": 1e6, "max_iter": 10}, 7
        )


def test_rows_of_one_person_stay_on_one_side() -> None:
    person = [number % 300 for number in range(900)]
    row_ids = [f"{who}/{number}" for number, who in enumerate(person)]
    bad = np.array([int(who % 5 == 0) for who in person])

    in_sample = training.split(row_ids, bad, 0.3, seed=3)

    sides: dict[int, set[bool]] = {}
    for who, side in zip(person, in_sample, strict=True):
        sides.setdefault(who, set()).add(bool(side))
    assert all(len(side) == 1 for side in sides.values())
    assert abs((~in_sample).mean() - 0.3) < 0.01
    assert abs((~in_sample)[bad == 1].mean() - 0.3) < 0.02

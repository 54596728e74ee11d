"""A scorer is the same to the bit wherever it is made, and nothing but numbers comes from the process that makes it."""

import io
import pickle
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from registry import artefacts
from serving.explainers import carrying, workshop
from serving.explainers.scores import Link, Means, Scorer, ScorerUnusable
from serving.explainers.trees import Room
from serving.explainers.workshop import Order, made_apart, made_here

from .models import applicants, one_player_per_column

MATRIX, BAD = applicants(rows=300, columns=5, seed=21)
FOREST = {"n_estimators": 6, "max_depth": 4, "random_state": 2}
KINDS: dict[str, tuple[Any, Room]] = {
    "tables": (HistGradientBoostingClassifier(max_iter=6), Room()),
    "patterns": (RandomForestClassifier(**FOREST), Room(means=Means.PATTERNS)),
    "walks": (RandomForestClassifier(**FOREST), Room(means=Means.WALKS)),
    "linear": (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), Room()),
    "prepared": (make_pipeline(SimpleImputer(), GradientBoostingClassifier(**FOREST)), Room()),
    "sigmoid": (CalibratedClassifierCV(RandomForestClassifier(**FOREST), ensemble=False), Room()),
    "isotonic": (
        CalibratedClassifierCV(LogisticRegression(), method="isotonic", ensemble=False),
        Room(),
    ),
}


def an_order(kind: str) -> Order:
    estimator, room = KINDS[kind]
    estimator.fit(MATRIX, BAD)
    return Order(
        data=artefacts.dump(estimator),
        registered_sha256=artefacts.content_sha256(estimator),
        players=one_player_per_column(MATRIX),
        baseline=MATRIX[:60],
        room=room,
    )


def carried(value: Any) -> Any:
    file = io.BytesIO()
    carrying.write(file, value)
    file.seek(0)
    return carrying.read(file)


def require_same(one: Scorer, other: Scorer) -> None:
    first, second = one.score(MATRIX), other.score(MATRIX)
    assert (one.method, one.base_value) == (other.method, other.base_value)
    for name in ("margin", "attributions", "additivity_gap", "pd"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_scorer_that_was_carried_scores_the_same_bits(kind: str) -> None:
    scorer = made_here(an_order(kind))

    require_same(carried(scorer), scorer)


@pytest.mark.parametrize("kind", ["tables", "isotonic"])
def test_a_scorer_made_in_another_process_scores_the_same_bits(kind: str) -> None:
    order = an_order(kind)

    require_same(made_apart(order), made_here(order))


def test_what_is_refused_there_is_refused_here_in_the_same_words() -> None:
    order = an_order("linear")

    with pytest.raises(ScorerUnusable, match="a model other than the one registered"):
        made_apart(replace(order, registered_sha256="0" * 64))
    with pytest.raises(ScorerUnusable, match="which is never loaded"):
        made_apart(replace(order, data=pickle.dumps([1])))
    with pytest.raises(ScorerUnusable, match="The estimator takes 5 columns"):
        made_apart(replace(order, players=order.players[:4]))


def test_a_process_that_ends_without_an_answer_makes_no_scorer(monkeypatch) -> None:
    monkeypatch.setattr(workshop.sys, "executable", "/bin/false")

    with pytest.raises(ScorerUnusable, match="end too early"):
        made_apart(an_order("linear"))


def test_a_process_that_cannot_be_started_makes_no_scorer(monkeypatch) -> None:
    monkeypatch.setattr(workshop.sys, "executable", "/nowhere/python")

    with pytest.raises(ScorerUnusable, match="No such file"):
        made_apart(an_order("linear"))


def test_a_process_that_never_answers_is_ended(monkeypatch, tmp_path) -> None:
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(workshop.sys, "executable", str(sleeper))
    monkeypatch.setattr(workshop, "PATIENCE_SECONDS", 0.5)

    with pytest.raises(ScorerUnusable, match="end too early"):
        made_apart(an_order("linear"))


def test_the_process_is_told_no_secret(monkeypatch) -> None:
    for name in ("CREDENCE_SECRET_KEY", "DATABASE_URL", "BROKER_URL", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of this test")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    told = workshop.environment()

    assert told["OMP_NUM_THREADS"] == "1"
    assert "of this test" not in told.values()


@pytest.mark.parametrize(
    "plan",
    [
        ["array", ["|O", [1]]],
        ["array", ["<f8", [-1]]],
        ["array", ["<f8", [2**60]]],
        ["Popen", ["true"]],
        ["Link", [1, 2, 3]],
        ["Output", "certainty"],
        ["tuple", 1],
        ["tuple"],
    ],
)
def test_bytes_that_are_no_scorer_are_not_read(plan: Any) -> None:
    data = msgspec.msgpack.encode(plan)

    with pytest.raises(ValueError, match="The bytes are no scorer"):
        carrying.read(io.BytesIO(len(data).to_bytes(8, "little") + data))


def test_bytes_that_end_early_are_not_read() -> None:
    file = io.BytesIO()
    carrying.write(file, made_here(an_order("tables")))

    for length in (0, 7, 100, len(file.getvalue()) - 1):
        with pytest.raises(ValueError, match="end too early"):
            carrying.read(io.BytesIO(file.getvalue()[:length]))


def test_nothing_but_parts_of_scorers_is_written() -> None:
    with pytest.raises(TypeError, match="A set is no part of a scorer"):
        carrying.write(io.BytesIO(), {1, 2})


def test_the_logistic_function_has_the_bits_of_scipys() -> None:
    random = np.random.default_rng(5)
    margins = np.concatenate(
        [random.normal(0, spread, 100_000) for spread in (0.1, 1, 5, 50, 500)]
        + [
            np.array(
                [0.0, -0.0, 745.2, -745.2, 709.8, -709.8, 1e308, -1e308, np.inf, -np.inf, np.nan]
            )
        ]
    )

    assert Link().pd(margins).tobytes() == expit(margins).tobytes()

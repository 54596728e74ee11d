"""By whichever way attributions are found, they are the same values; the memory allowed chooses the way."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from serving.explainers.compiler import compile_scorer
from serving.explainers.scores import Means, Scorer, means_of
from serving.explainers.trees import Room

from .brute_force import shapley_values
from .models import applicants, boosted_trees, one_player_per_column, with_one_hot
from .test_libraries import (
    TAKE_MISSING,
    hist,
    lightgbm_model,
    margins,
    with_categories,
    with_zeros,
    xgboost_model,
)

MATRIX, BAD = applicants(rows=400, columns=5, seed=12, missing=0.15)
PLAYERS = one_player_per_column(MATRIX)
WAYS = [Means.TABLES, Means.PATTERNS, Means.WALKS]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


def by(means: Means, model: Any, baseline: Any, players: Any = PLAYERS) -> Scorer:
    return compile_scorer(model, players, baseline, Room(means=means))


def categories() -> tuple[Any, Any]:
    matrix, bad = with_categories(500)
    return hist(categorical_features=[1, 3]).fit(matrix, bad), matrix


MODELS: dict[str, Any] = {
    name: lambda model=model: (model.fit(MATRIX, BAD), MATRIX)
    for name, model in TAKE_MISSING.items()
    if not ("descent" in name or name == "isotonic over a pipeline")
} | {
    "native categories": categories,
    "lightgbm, zero as missing": lambda: (
        lightgbm_model(with_zeros()[:400], BAD, zero_as_missing=True),
        with_zeros()[:400],
    ),
    "lightgbm, categories": lambda: (
        lightgbm_model(*with_categories(500), categorical_feature=[3]),
        with_categories(500)[0],
    ),
    "xgboost": lambda: (xgboost_model(MATRIX, BAD), MATRIX),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_way_gives_the_shapley_values_of_every_coalition(name: str) -> None:
    model, matrix = MODELS[name]()
    baseline, asked = matrix[:30], matrix[100:160]

    tables, patterns, walks = (by(means, model, baseline) for means in WAYS)

    found = tables.score(asked)
    for other in (patterns, walks):
        scores = other.score(asked)
        assert np.array_equal(scores.margin, found.margin)
        assert other.base_value == tables.base_value
        scale = np.abs(found.attributions).max()
        assert scores.attributions == pytest.approx(found.attributions, rel=0, abs=1e-12 * scale)
    assert np.array_equal(patterns.score(asked).attributions, walks.score(asked).attributions)
    theirs = margins(model, tables)
    expected = shapley_values(theirs, asked[0], PLAYERS, baseline)
    for scorer in (tables, patterns):
        assert scorer.score(asked[:1]).attributions[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("means", WAYS)
def test_all_columns_of_one_category_are_one_player_by_every_way(means: Means) -> None:
    matrix, bad, players = with_one_hot(rows=400, seed=5)
    model = boosted_trees(matrix, bad)

    scores = by(means, model, matrix[:50], players).score(matrix[200:203])

    for row in range(3):
        expected = shapley_values(model.decision_function, matrix[200 + row], players, matrix[:50])
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("means", WAYS)
def test_a_row_scores_the_same_bits_alone_and_in_a_batch_by_every_way(means: Means) -> None:
    scorer = by(means, boosted_trees(MATRIX, BAD, trees=30), MATRIX[:60])

    together = scorer.score(MATRIX)

    for row in (0, 17, 399):
        alone = scorer.score(MATRIX[row : row + 1])
        assert alone.margin[0] == together.margin[row]
        assert np.array_equal(alone.attributions[0], together.attributions[row])


@pytest.fixture(scope="module")
def deep() -> tuple[RandomForestClassifier, Any]:
    matrix, bad = applicants(rows=1500, columns=14, seed=9)
    forest = RandomForestClassifier(n_estimators=10, max_depth=12, random_state=1)
    return forest.fit(matrix, bad), matrix


def test_the_memory_allowed_chooses_the_way_and_the_method_says_which(deep: Any) -> None:
    model, matrix = deep
    players = one_player_per_column(matrix)

    scorers = [
        compile_scorer(model, players, matrix[:100], Room(most_mib=mib)) for mib in (4096, 8, 0.01)
    ]

    assert [scorer.method for scorer in scorers] == [
        f"interventional Shapley values of the probability of bad, {means}, baseline of 100 rows"
        for means in ("collapsed leaf tables", "leaf patterns", "baseline walks")
    ]
    first, second, third = (scorer.score(matrix[200:220]) for scorer in scorers)
    assert second.attributions == pytest.approx(first.attributions, rel=1e-12, abs=1e-14)
    assert np.array_equal(third.attributions, second.attributions)


def test_the_way_that_a_method_names_repeats_its_bits_whatever_is_allowed_by_then(
    deep: Any,
) -> None:
    model, matrix = deep
    players = one_player_per_column(matrix)
    recorded = compile_scorer(model, players, matrix[:100], Room(most_mib=8))

    again = compile_scorer(
        model, players, matrix[:100], Room(most_mib=1, means=means_of(recorded.method))
    )

    assert again.method == recorded.method
    before, after = recorded.score(matrix[:9]), again.score(matrix[:9])
    assert np.array_equal(before.attributions, after.attributions)


@pytest.mark.parametrize("means", WAYS)
@pytest.mark.parametrize("curve", ["sigmoid", "isotonic"])
def test_a_calibrated_model_tells_the_way_below_the_curve(means: Means, curve: str) -> None:
    model = CalibratedClassifierCV(hist(), method=curve, ensemble=False, cv=3).fit(MATRIX, BAD)

    scorer = by(means, model, MATRIX[:20])

    assert means_of(scorer.method) == means
    assert f"{means} " in scorer.method
    assert f"{curve} calibration" in scorer.method


def test_a_method_that_names_no_way_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="called so"):
        means_of("interventional Shapley values, by guessing, baseline of 5 rows")


MODEL = boosted_trees(MATRIX, BAD, trees=15)
SCORERS = [by(means, MODEL, MATRIX[:40]) for means in WAYS]
ANY_VALUE = st.one_of(st.floats(), st.floats(-3, 3), st.just(float("nan")))


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, (1, 5), elements=ANY_VALUE))
def test_any_row_adds_up_and_is_explained_alike_by_every_way(row: Any) -> None:
    tables, patterns, walks = (scorer.score(row) for scorer in SCORERS)

    assert np.array_equal(tables.margin, patterns.margin)
    assert np.array_equal(tables.margin, walks.margin)
    assert patterns.attributions == pytest.approx(tables.attributions, abs=1e-12)
    assert np.array_equal(patterns.attributions, walks.attributions)
    for scores in (tables, patterns):
        assert abs(scores.additivity_gap[0]) < 1e-12

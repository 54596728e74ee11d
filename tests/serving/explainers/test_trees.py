import numpy as np
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import HistGradientBoostingClassifier

from serving.explainers.compiler import compile_scorer
from serving.explainers.scores import ScorerDisagrees

from .brute_force import shapley_values
from .models import applicants, boosted_trees, one_player_per_column, with_one_hot


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_attributions_are_the_shapley_values_of_every_coalition(missing):
    matrix, bad = applicants(rows=300, columns=5, seed=3, missing=missing)
    model = boosted_trees(matrix, bad)
    players = one_player_per_column(matrix)
    baseline = matrix[:40]
    scorer = compile_scorer(model, players, baseline)

    scores = scorer.score(matrix[100:112])

    for row in range(12):
        expected = shapley_values(model.decision_function, matrix[100 + row], players, baseline)
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-12)


def test_all_columns_of_one_category_are_one_player():
    matrix, bad, players = with_one_hot(rows=400, seed=5)
    model = boosted_trees(matrix, bad)
    baseline = matrix[:50]
    scorer = compile_scorer(model, players, baseline)

    scores = scorer.score(matrix[200:210])

    assert scores.attributions.shape == (10, 4)
    for row in range(10):
        expected = shapley_values(model.decision_function, matrix[200 + row], players, baseline)
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("depth", [3, 6, None])
def test_attributions_agree_with_shap_on_the_same_baseline(depth):
    matrix, bad = applicants(rows=2000, columns=9, seed=8)
    model = boosted_trees(matrix, bad, trees=30, depth=depth)
    # Not rows of the training data: some equal a threshold, and shap compares in single precision.
    fresh, _ = applicants(rows=250, columns=9, seed=88)
    baseline, applications = fresh[:150], fresh[150:]
    masker = shap.maskers.Independent(baseline, max_samples=len(baseline))
    oracle = shap.TreeExplainer(model, masker, feature_perturbation="interventional")
    assert oracle.data.shape == baseline.shape, "shap silently kept fewer baseline rows"

    scores = compile_scorer(model, one_player_per_column(matrix), baseline).score(applications)

    assert scores.attributions == pytest.approx(oracle.shap_values(applications), abs=1e-6)
    assert scores.base_value == pytest.approx(float(oracle.expected_value), abs=1e-6)


def test_the_margin_has_the_very_bits_of_scikit_learn_even_with_missing_values():
    matrix, bad = applicants(rows=1500, columns=6, seed=2, missing=0.2)
    model = boosted_trees(matrix, bad, trees=40)

    scores = compile_scorer(model, one_player_per_column(matrix), matrix[:100]).score(matrix)

    assert np.array_equal(scores.margin, model.decision_function(matrix))
    assert scores.pd == pytest.approx(model.predict_proba(matrix)[:, 1], abs=1e-15)


def test_a_value_equal_to_a_threshold_takes_the_side_scikit_learn_takes():
    matrix = np.repeat(np.arange(10.0), 40).reshape(-1, 1)
    bad = (matrix[:, 0] > 4).astype(np.int64)
    model = boosted_trees(matrix, bad, trees=3)
    thresholds = {
        float(node["num_threshold"])
        for trees in model._predictors
        for node in trees[0].nodes
        if not node["is_leaf"]
    }
    at = np.array(sorted(thresholds)).reshape(-1, 1)
    probes = np.vstack([at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)])

    scores = compile_scorer(model, one_player_per_column(matrix), matrix).score(probes)

    assert np.array_equal(scores.margin, model.decision_function(probes))


def test_a_row_scores_the_same_bits_alone_and_in_a_batch():
    matrix, bad = applicants(rows=500, columns=6, seed=4, missing=0.1)
    scorer = compile_scorer(boosted_trees(matrix, bad), one_player_per_column(matrix), matrix[:60])

    together = scorer.score(matrix)

    for row in (0, 17, 499):
        alone = scorer.score(matrix[row : row + 1])
        assert alone.margin[0] == together.margin[row]
        assert np.array_equal(alone.attributions[0], together.attributions[row])


def test_a_feature_that_no_tree_uses_gets_nothing():
    matrix, bad = applicants(rows=400, columns=4, seed=6)
    matrix[:, 3] = 1.0
    matrix[-1, 3] = 50.0
    scorer = compile_scorer(boosted_trees(matrix, bad), one_player_per_column(matrix), matrix[:50])

    assert not scorer.score(matrix).attributions[:, 3].any()


def test_the_baseline_explains_itself_with_attributions_that_average_to_zero():
    matrix, bad = applicants(rows=400, columns=5, seed=7, missing=0.1)
    baseline = matrix[:80]
    scorer = compile_scorer(boosted_trees(matrix, bad), one_player_per_column(matrix), baseline)

    assert scorer.score(baseline).attributions.mean(axis=0) == pytest.approx(0.0, abs=1e-12)


def test_a_model_of_a_single_leaf_is_its_base_value():
    matrix, bad = applicants(rows=30, columns=3, seed=1)
    model = HistGradientBoostingClassifier(
        max_iter=2, min_samples_leaf=30, early_stopping=False
    ).fit(matrix, bad)

    scores = compile_scorer(model, one_player_per_column(matrix), matrix).score(matrix)

    assert not scores.attributions.any()
    assert scores.margin == pytest.approx(scores.base_value, abs=1e-12)


def test_the_method_names_the_quantity_and_the_size_of_the_baseline():
    matrix, bad = applicants(rows=200, columns=3, seed=1)
    scorer = compile_scorer(boosted_trees(matrix, bad), one_player_per_column(matrix), matrix[:37])

    assert scorer.method == (
        "interventional Shapley values, collapsed leaf tables, baseline of 37 rows"
    )


def test_a_scorer_whose_margins_are_not_the_estimators_is_refused():
    matrix, bad = applicants(rows=300, columns=3, seed=1)
    model = boosted_trees(matrix, bad)
    honest = model.decision_function
    model.decision_function = lambda rows: honest(rows) + 1e-6

    with pytest.raises(ScorerDisagrees):
        compile_scorer(model, one_player_per_column(matrix), matrix[:50])


MATRIX, BAD = applicants(rows=400, columns=6, seed=10, missing=0.1)
MODEL = boosted_trees(MATRIX, BAD, trees=20)
SCORER = compile_scorer(MODEL, one_player_per_column(MATRIX), MATRIX[:70])
ANY_VALUE = st.one_of(st.floats(-1e300, 1e300), st.floats(-3, 3), st.just(float("nan")))


@settings(max_examples=200, deadline=None)
@given(arrays(np.float64, (1, 6), elements=ANY_VALUE))
def test_any_row_adds_up_to_the_margin_of_the_estimator(row):
    scores = SCORER.score(row)

    assert scores.margin[0] == MODEL.decision_function(row)[0]
    assert scores.base_value + scores.attributions.sum() == pytest.approx(
        scores.margin[0], abs=1e-11
    )
    assert abs(scores.additivity_gap[0]) < 1e-11

import numpy as np
import pytest
import shap
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from serving.explainers.compiler import compile_scorer
from serving.explainers.scores import UnsupportedEstimator

from .brute_force import shapley_values
from .models import applicants, logistic_regression, one_player_per_column, with_one_hot


def test_attributions_are_the_shapley_values_of_every_coalition_with_missing_values():
    matrix, bad = applicants(rows=300, columns=5, seed=3, missing=0.2)
    model = logistic_regression(matrix, bad)
    players = one_player_per_column(matrix)
    baseline = matrix[:40]

    scores = compile_scorer(model, players, baseline).score(matrix[100:110])

    for row in range(10):
        expected = shapley_values(model.decision_function, matrix[100 + row], players, baseline)
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-12)


def test_all_columns_of_one_category_are_one_player():
    matrix, bad, players = with_one_hot(rows=400, seed=5)
    model = logistic_regression(matrix, bad)
    baseline = matrix[:50]

    scores = compile_scorer(model, players, baseline).score(matrix[200:205])

    assert scores.attributions.shape == (5, 4)
    for row in range(5):
        expected = shapley_values(model.decision_function, matrix[200 + row], players, baseline)
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-12)


def test_attributions_agree_with_shap_on_the_same_baseline():
    matrix, bad = applicants(rows=800, columns=7, seed=8)
    model = logistic_regression(matrix, bad)
    scaled = model[:-1].transform(matrix)
    masker = shap.maskers.Independent(scaled[:150], max_samples=150)
    oracle = shap.LinearExplainer(model[-1], masker)

    scores = compile_scorer(model, one_player_per_column(matrix), matrix[:150]).score(matrix)

    assert scores.attributions == pytest.approx(oracle.shap_values(scaled), abs=1e-10)
    assert scores.base_value == pytest.approx(float(oracle.expected_value), abs=1e-10)
    assert scores.margin == pytest.approx(model.decision_function(matrix), abs=1e-10)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("keep", [True, False])
def test_a_column_that_was_never_filled_in_training_weighs_nothing(keep):
    matrix, bad = applicants(rows=300, columns=4, seed=3)
    matrix[:, 2] = np.nan
    imputer = SimpleImputer(strategy="median", keep_empty_features=keep)
    model = a_pipeline(imputer=imputer).fit(matrix, bad)

    scores = compile_scorer(model, one_player_per_column(matrix), matrix[:50]).score(matrix)

    assert not scores.attributions[:, 2].any()
    assert scores.margin == pytest.approx(model.decision_function(matrix), abs=1e-12)


def test_the_method_names_the_quantity_and_the_size_of_the_baseline():
    matrix, bad = applicants(rows=200, columns=3, seed=1)
    model = logistic_regression(matrix, bad)

    assert compile_scorer(model, one_player_per_column(matrix), matrix[:37]).method == (
        "interventional Shapley values, linear closed form, baseline of 37 rows"
    )


def a_pipeline(imputer=None, scaler=None, middle=None):
    steps = [imputer or SimpleImputer(strategy="median"), scaler or StandardScaler(), middle]
    kept = [(type(step).__name__, step) for step in steps if step is not None]
    return Pipeline([*kept, ("regress", LogisticRegression())])


@pytest.mark.parametrize(
    "model",
    [
        a_pipeline(imputer=SimpleImputer(strategy="median", add_indicator=True)),
        a_pipeline(imputer=SimpleImputer(strategy="median", missing_values=-1.0)),
        a_pipeline(scaler=StandardScaler(with_mean=False)),
        a_pipeline(middle=PCA()),
        KNeighborsClassifier(),
    ],
)
def test_what_is_not_explained_exactly_is_refused(model):
    matrix, bad = applicants(rows=200, columns=3, seed=1)
    matrix[0, 0] = -1.0
    model.fit(matrix, bad)

    with pytest.raises(UnsupportedEstimator):
        compile_scorer(model, one_player_per_column(matrix), matrix[:50])


def test_a_baseline_of_other_columns_than_the_estimator_is_refused():
    matrix, bad = applicants(rows=200, columns=4, seed=1)
    model = logistic_regression(matrix, bad)

    with pytest.raises(UnsupportedEstimator, match="takes 4 columns"):
        compile_scorer(model, one_player_per_column(matrix), matrix[:50, :3])


def test_labels_other_than_good_and_bad_are_refused():
    matrix, bad = applicants(rows=200, columns=4, seed=1)
    model = logistic_regression(matrix, 1 - 2 * bad)

    with pytest.raises(UnsupportedEstimator, match=r"bad \(1\)"):
        compile_scorer(model, one_player_per_column(matrix), matrix[:50])


MATRIX, BAD = applicants(rows=400, columns=6, seed=10, missing=0.1)
MODEL = logistic_regression(MATRIX, BAD)
SCORER = compile_scorer(MODEL, one_player_per_column(MATRIX), MATRIX[:70])
ANY_VALUE = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))


@settings(max_examples=200, deadline=None)
@given(arrays(np.float64, (1, 6), elements=ANY_VALUE))
def test_any_row_adds_up_to_the_margin_of_the_estimator(row):
    scores = SCORER.score(row)

    tolerance = 1e-11 * max(1.0, abs(scores.margin[0]), np.abs(scores.attributions).max())
    assert scores.margin[0] == pytest.approx(MODEL.decision_function(row)[0], abs=tolerance)
    assert abs(scores.additivity_gap[0]) <= tolerance

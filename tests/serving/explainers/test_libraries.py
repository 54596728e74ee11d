"""Every kind of model that a run may train or a person may bring: stored, loaded, scored and explained as its library does."""

from collections.abc import Iterator
from typing import Any

import lightgbm
import numpy as np
import pytest
import shap
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from registry import artefacts
from registry.algorithms import ALGORITHMS, PARAMS
from registry.artefacts.boosters import LightGBMModel, XGBoostModel, load_xgboost
from registry.training import fit, probabilities_of_bad
from serving.explainers.compiler import compile_scorer
from serving.explainers.scores import Output, Scorer, UnsupportedEstimator, output_of

from .brute_force import shapley_values
from .models import applicants, one_player_per_column

MATRIX, BAD = applicants(rows=600, columns=5, seed=12, missing=0.15)
FULL, FULL_BAD = applicants(rows=600, columns=5, seed=13)
FEW = {"n_estimators": 12, "max_depth": 4, "random_state": 2}
PLAYERS = one_player_per_column(MATRIX)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Many threads of few rows wait for each other longer than they work."""
    with threadpool_limits(limits=1):
        yield


def stored_and_loaded(estimator: Any) -> Any:
    again = artefacts.load(artefacts.dump(estimator, made_by="run 1"))
    assert artefacts.content_sha256(again) == artefacts.content_sha256(estimator)
    return again


def margins(estimator: Any, scorer: Scorer) -> Any:
    """The library's own answer on the scale that the scorer explains, as a function of rows."""
    match output_of(scorer.method):
        case Output.LOG_ODDS if hasattr(estimator, "decision_function"):
            return estimator.decision_function
        case Output.LOG_ODDS:
            return lambda rows: log_odds(estimator.predict_proba(rows)[:, 1])
        case Output.PROBABILITY:
            return lambda rows: estimator.predict_proba(rows)[:, 1]
        case _:
            below = estimator.calibrated_classifiers_[0].estimator
            if hasattr(below, "decision_function"):
                return below.decision_function
            return lambda rows: below.predict_proba(rows)[:, 1]


def log_odds(pd: Any) -> Any:
    return np.log(pd) - np.log1p(-pd)


def hist(**options: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=12, max_depth=4, early_stopping=False, random_state=2, **options
    )


TAKE_MISSING = {
    "decision tree": DecisionTreeClassifier(max_depth=4, random_state=2),
    "random forest": RandomForestClassifier(**FEW),
    "extra trees": ExtraTreesClassifier(**FEW),
    "histogram boosting": hist(),
    "boosting after an imputer": make_pipeline(
        SimpleImputer(strategy="mean"), GradientBoostingClassifier(**FEW)
    ),
    "forest after imputer and scaler": make_pipeline(
        SimpleImputer(), StandardScaler(), RandomForestClassifier(**FEW)
    ),
    "trees after a scaler": make_pipeline(StandardScaler(), hist()),
    "descent": make_pipeline(
        SimpleImputer(), StandardScaler(), SGDClassifier(loss="log_loss", random_state=2)
    ),
    "sigmoid over boosting": CalibratedClassifierCV(hist(), ensemble=False, cv=3),
    "isotonic over boosting": CalibratedClassifierCV(
        hist(), method="isotonic", ensemble=False, cv=3
    ),
    "sigmoid over a forest": CalibratedClassifierCV(
        RandomForestClassifier(**FEW), ensemble=False, cv=3
    ),
    "isotonic over a forest": CalibratedClassifierCV(
        RandomForestClassifier(**FEW), method="isotonic", ensemble=False, cv=3
    ),
    "isotonic over a pipeline": CalibratedClassifierCV(
        make_pipeline(SimpleImputer(), LogisticRegression()),
        method="isotonic",
        ensemble=False,
        cv=3,
    ),
}
TAKE_NO_MISSING = {
    "logistic regression": LogisticRegression(),
    "gradient boosting": GradientBoostingClassifier(**FEW),
    "stochastic gradient boosting": GradientBoostingClassifier(subsample=0.5, **FEW),
}


@pytest.mark.parametrize("name", [*TAKE_MISSING, *TAKE_NO_MISSING])
def test_an_estimator_of_scikit_learn_scores_and_explains_after_it_was_stored(name: str) -> None:
    matrix, bad = (MATRIX, BAD) if name in TAKE_MISSING else (FULL, FULL_BAD)
    estimator = stored_and_loaded((TAKE_MISSING | TAKE_NO_MISSING)[name].fit(matrix, bad))
    baseline = matrix[:30]

    scorer = compile_scorer(estimator, PLAYERS, baseline)
    scores = scorer.score(matrix)

    theirs = margins(estimator, scorer)
    assert scores.pd == pytest.approx(probabilities_of_bad(estimator, matrix), abs=1e-12)
    assert scores.margin == pytest.approx(theirs(matrix), abs=1e-9)
    for row in range(40, 44):
        expected = shapley_values(theirs, matrix[row], PLAYERS, baseline)
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-9)


def test_what_is_explained_is_said() -> None:
    outputs = {
        name: output_of(compile_scorer(model.fit(MATRIX, BAD), PLAYERS, MATRIX[:20]).method)
        for name, model in TAKE_MISSING.items()
    }

    assert outputs["histogram boosting"] == Output.LOG_ODDS
    assert outputs["random forest"] == Output.PROBABILITY
    assert outputs["sigmoid over a forest"] == Output.LOG_ODDS
    assert outputs["isotonic over boosting"] == Output.UNCALIBRATED_LOG_ODDS
    assert outputs["isotonic over a forest"] == Output.UNCALIBRATED_PROBABILITY


def test_averaged_calibrations_are_refused_because_no_margin_adds_up() -> None:
    model = CalibratedClassifierCV(hist(), ensemble=True, cv=3).fit(MATRIX, BAD)

    with pytest.raises(UnsupportedEstimator, match="ensemble=False"):
        compile_scorer(stored_and_loaded(model), PLAYERS, MATRIX[:20])


def test_values_between_two_single_precision_floats_take_the_side_of_the_library() -> None:
    matrix = np.float64(np.float32(np.linspace(0.1, 0.9, 40))).reshape(-1, 1)
    bad = (matrix[:, 0] > 0.5).astype(np.int64) ^ (np.arange(40) % 7 == 0)
    for model in (
        DecisionTreeClassifier(random_state=1),
        RandomForestClassifier(n_estimators=5, random_state=1),
        ExtraTreesClassifier(n_estimators=5, random_state=1),
    ):
        model.fit(matrix, bad)
        members = getattr(model, "estimators_", [model])
        at = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in members])

        probes = around(at)
        scores = compile_scorer(model, np.array([0], dtype=np.int32), matrix).score(probes)

        assert scores.pd == pytest.approx(model.predict_proba(probes)[:, 1], abs=1e-12)


def around(thresholds: Any) -> Any:
    """Doubles at, beside and half-way between the single floats next to each threshold."""
    singles = np.float32(thresholds)
    near = [
        singles,
        np.nextafter(singles, np.float32(np.inf)),
        np.nextafter(singles, np.float32(-np.inf)),
    ]
    doubles = [one.astype(np.float64) for one in near]
    middles = [(doubles[0] + doubles[1]) / 2, (doubles[0] + doubles[2]) / 2]
    whole = np.concatenate([thresholds, *doubles, *middles])
    return np.concatenate(
        [whole, np.nextafter(whole, np.inf), np.nextafter(whole, -np.inf)]
    ).reshape(-1, 1)


def with_categories(rows: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(rows, 5))
    matrix[:, 1] = rng.choice([-2.0, 0.5, 3.0, 40.0, 41.0], rows)
    matrix[:, 3] = rng.integers(0, 7, rows)
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    bad = (
        np.isin(matrix[:, 1], [0.5, 41.0])
        ^ np.isin(matrix[:, 3], [1, 4, 5])
        ^ (rng.random(rows) < 0.15)
    )
    return matrix, bad.astype(np.int64)


def test_native_categories_of_histogram_boosting_are_read_as_scikit_learn_reads_them() -> None:
    matrix, bad = with_categories(800)
    model = stored_and_loaded(hist(categorical_features=[1, 3]).fit(matrix, bad))
    strange = matrix[:60].copy()
    strange[:20, 1] = 7.0  # a category that training never saw
    strange[20:40, 3] = -1.0

    scorer = compile_scorer(model, PLAYERS, matrix[:25])

    assert any(nodes[0].nodes["is_categorical"].any() for nodes in model._predictors)
    for rows in (matrix, strange):
        assert np.array_equal(scorer.score(rows).margin, model.decision_function(rows))
    expected = shapley_values(model.decision_function, strange[0], PLAYERS, matrix[:25])
    assert scorer.score(strange[:1]).attributions[0] == pytest.approx(expected, abs=1e-12)


def lightgbm_model(matrix: Any, bad: Any, **options: Any) -> LightGBMModel:
    params = {
        "objective": "binary", "num_leaves": 8, "verbosity": -1, "num_threads": 1,
        "deterministic": True, "force_row_wise": True, "min_data_in_leaf": 5, "seed": 1,
    } | options  # fmt: skip
    categories = params.pop("categorical_feature", "auto")
    rows = lightgbm.Dataset(matrix, bad, categorical_feature=categories, params=params)
    return LightGBMModel(lightgbm.train(params, rows, 15).model_to_string())


def xgboost_model(matrix: Any, bad: Any, **options: Any) -> XGBoostModel:
    params = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": 1} | options
    booster = xgboost.train(params, xgboost.DMatrix(matrix, bad), 15)
    return load_xgboost(bytes(booster.save_raw("json")))


def with_zeros() -> Any:
    matrix = MATRIX.copy()
    matrix[np.random.default_rng(5).random(matrix.shape) < 0.2] = 0.0
    return matrix


LIBRARIES: dict[str, Any] = {
    "lightgbm": lambda: (lightgbm_model(MATRIX, BAD), MATRIX),
    "lightgbm trained without missing values": lambda: (lightgbm_model(FULL, FULL_BAD), MATRIX),
    "lightgbm, zero as missing": lambda: (
        lightgbm_model(with_zeros(), BAD, zero_as_missing=True),
        with_zeros(),
    ),
    "lightgbm, missing values not used": lambda: (
        lightgbm_model(MATRIX, BAD, use_missing=False),
        MATRIX,
    ),
    "lightgbm, monotone": lambda: (
        lightgbm_model(MATRIX, BAD, monotone_constraints=[1, 0, 0, 0, -1]),
        MATRIX,
    ),
    "xgboost": lambda: (xgboost_model(MATRIX, BAD), MATRIX),
    "xgboost trained without missing values": lambda: (xgboost_model(FULL, FULL_BAD), MATRIX),
    "xgboost, pruned exact": lambda: (
        xgboost_model(MATRIX, BAD, tree_method="exact", gamma=1.0),
        MATRIX,
    ),
    "xgboost, base score": lambda: (xgboost_model(MATRIX, BAD, base_score=0.2), MATRIX),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_booster_scores_and_explains_after_it_was_stored(name: str) -> None:
    made, matrix = LIBRARIES[name]()
    model = stored_and_loaded(made)
    baseline = matrix[:30]

    scores = compile_scorer(model, PLAYERS, baseline).score(matrix)

    assert scores.margin == pytest.approx(model.decision_function(matrix), abs=1e-6)
    assert scores.pd == pytest.approx(probabilities_of_bad(model, matrix), abs=1e-6)
    for row in range(40, 44):
        expected = shapley_values(model.decision_function, matrix[row], PLAYERS, baseline)
        assert scores.attributions[row] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("make", [lightgbm_model, xgboost_model])
def test_attributions_of_a_booster_agree_with_shap_on_the_same_baseline(make: Any) -> None:
    model = make(FULL, FULL_BAD)
    # More rows than the 100 that shap keeps of an array; and none of training, which lie at thresholds.
    fresh, _ = applicants(rows=250, columns=5, seed=99)
    baseline, applications = fresh[:150], fresh[150:]
    masker = shap.maskers.Independent(baseline, max_samples=len(baseline))
    oracle = shap.TreeExplainer(model._native, masker, feature_perturbation="interventional")
    assert oracle.data.shape == baseline.shape, "shap silently kept fewer baseline rows"

    scores = compile_scorer(model, PLAYERS, baseline).score(applications)

    assert scores.attributions == pytest.approx(oracle.shap_values(applications), abs=1e-5)
    assert scores.base_value == pytest.approx(float(oracle.expected_value), abs=1e-5)


def test_a_forest_agrees_with_shap_on_the_same_baseline() -> None:
    model = RandomForestClassifier(n_estimators=20, max_depth=6, random_state=3).fit(FULL, FULL_BAD)
    fresh, _ = applicants(rows=250, columns=5, seed=99)
    baseline, applications = fresh[:150], fresh[150:]
    masker = shap.maskers.Independent(baseline, max_samples=len(baseline))
    oracle = shap.TreeExplainer(model, masker, feature_perturbation="interventional")

    scores = compile_scorer(model, PLAYERS, baseline).score(applications)

    assert scores.attributions == pytest.approx(oracle.shap_values(applications)[..., 1], abs=1e-7)


def test_xgboost_compares_single_floats_and_sends_an_equal_value_right() -> None:
    matrix = np.repeat(np.float64(np.float32(np.linspace(0.1, 0.9, 12))), 30).reshape(-1, 1)
    bad = (matrix[:, 0] > 0.5).astype(np.int64) ^ (np.arange(360) % 5 == 0)
    model = xgboost_model(matrix, bad)
    trees = model.document["learner"]["gradient_booster"]["model"]["trees"]
    at = np.array(
        [
            condition
            for tree in trees
            for condition, left in zip(tree["split_conditions"], tree["left_children"], strict=True)
            if left != -1
        ]
    )

    probes = around(at)
    scores = compile_scorer(model, np.array([0], dtype=np.int32), matrix).score(probes)

    assert len(at) > 0
    assert scores.margin == pytest.approx(model.decision_function(probes), abs=1e-6)


def test_lightgbm_sends_an_equal_value_left_and_reads_tiny_values_as_zero() -> None:
    matrix = np.repeat(np.linspace(-0.4, 0.5, 10), 40).reshape(-1, 1)
    bad = (matrix[:, 0] > 0).astype(np.int64) ^ (np.arange(400) % 5 == 0)
    model = lightgbm_model(matrix, bad)
    at = np.concatenate([tree.threshold[tree.left >= 0] for tree in model.trees.trees])

    probes = np.vstack([around(at), around(np.array([0.0, 1e-35, -1e-35, 1e-40, -1e-30]))])
    scores = compile_scorer(model, np.array([0], dtype=np.int32), matrix).score(probes)

    assert scores.margin == pytest.approx(model.decision_function(probes), abs=1e-9)


def test_native_categories_of_lightgbm_are_read_as_it_reads_them() -> None:
    matrix, bad = with_categories(800)
    matrix[:, 1] = np.where(matrix[:, 1] < 0, 2.0, np.trunc(matrix[:, 1]))
    options = {"min_data_per_group": 5, "cat_smooth": 1.0, "max_cat_to_onehot": 1}
    model = stored_and_loaded(lightgbm_model(matrix, bad, categorical_feature=[1, 3], **options))
    strange = matrix[:80].copy()
    strange[:20, 3], strange[20:40, 3], strange[40:60, 3] = -1.0, 99.0, 4.7
    strange[60:, 1] = -0.5

    scorer = compile_scorer(model, PLAYERS, matrix[:25])

    assert any(tree.listed for tree in model.trees.trees)
    for rows in (matrix, strange):
        assert scorer.score(rows).margin == pytest.approx(model.decision_function(rows), abs=1e-9)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_a_run_trains_is_the_same_again_and_scores_after_it_was_stored(algorithm: str) -> None:
    few = {name: 8 for name in ("n_estimators", "num_iterations") if name in PARAMS[algorithm]}
    if algorithm == "hist_gradient_boosting":
        few = {"max_iter": 8}
    first = fit(MATRIX, BAD, algorithm, few, 7)

    model = stored_and_loaded(first)
    scores = compile_scorer(model, PLAYERS, MATRIX[:30]).score(MATRIX)

    again = fit(MATRIX, BAD, algorithm, few, 7)
    assert artefacts.content_sha256(again) == artefacts.content_sha256(first)
    assert artefacts.content_sha256(
        fit(MATRIX, BAD, algorithm, few, 7)
    ) != artefacts.content_sha256(fit(MATRIX[:-9], BAD[:-9], algorithm, few, 7))
    assert scores.pd == pytest.approx(probabilities_of_bad(model, MATRIX), abs=1e-6)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("algorithm", ["logistic_regression", "random_forest", "gradient_boosting"])
def test_a_run_may_calibrate_what_it_trains(algorithm: str, method: str) -> None:
    few = {} if algorithm == "logistic_regression" else {"n_estimators": 8}
    model = stored_and_loaded(fit(MATRIX, BAD, algorithm, {**few, "calibration": method}, 7))

    scores = compile_scorer(model, PLAYERS, MATRIX[:30]).score(MATRIX)

    assert scores.pd == pytest.approx(probabilities_of_bad(model, MATRIX), abs=1e-12)

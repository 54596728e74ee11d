"""Models of the three reference data sets against both oracles."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shap
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

from serving.explainers.compiler import compile_scorer
from serving.explainers.scores import Means
from serving.explainers.trees import Room

from .brute_force import shapley_values
from .models import logistic_regression, one_player_per_column

LENDING = [
    "loan_amnt", "annual_inc", "dti", "delinq_2yrs", "inq_last_6mths", "mths_since_last_delinq",
    "open_acc", "pub_rec", "revol_bal", "revol_util", "total_acc",
]  # fmt: skip


def lending(table: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    return table[LENDING], table["loan_status"].str.endswith("Charged Off")


def give_me(table: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    return table.drop(columns=["id", "age", "SeriousDlqin2yrs"]), table["SeriousDlqin2yrs"]


def taiwan(table: pd.DataFrame) -> tuple[pd.DataFrame, Any]:
    label = "default payment next month"
    kept = [name for name in table.columns if name.startswith(("LIMIT", "PAY", "BILL_AMT1"))]
    return table[kept], table[label]


SETS: dict[str, Callable[[pd.DataFrame], tuple[pd.DataFrame, Any]]] = {
    "lendingclub_2007_2011": lending,
    "give_me_some_credit": give_me,
    "uci_default_of_credit_card_clients": taiwan,
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(params=SETS)
def data(request: pytest.FixtureRequest, reference: Path) -> tuple[Any, Any]:
    """Numbers of 4,000 applicants, missing values as they are, and who was bad."""
    table = pd.read_csv(reference / "data" / f"{request.param}.csv.gz", low_memory=False)
    rows, bad = SETS[request.param](table.sample(4000, random_state=1))
    return rows.to_numpy(dtype=np.float64), np.asarray(bad, dtype=np.int64)


def test_boosted_trees_are_explained_as_shap_explains_them(data: tuple[Any, Any]) -> None:
    matrix, bad = data
    # shap compares in single precision: no value may lie between a float and its threshold.
    matrix = np.float64(np.float32(matrix))
    model = HistGradientBoostingClassifier(max_iter=40, max_depth=5, random_state=0)
    model.fit(matrix[1000:], bad[1000:])
    baseline, asked = matrix[:150], matrix[150:200]
    masker = shap.maskers.Independent(baseline, max_samples=len(baseline))
    oracle = shap.TreeExplainer(model, masker, feature_perturbation="interventional")
    assert oracle.data.shape == baseline.shape
    expected = oracle.shap_values(asked, check_additivity=False)
    told = np.isclose(
        expected.sum(axis=1) + oracle.expected_value, model.decision_function(asked), atol=1e-6
    )
    assert told.mean() > 0.5

    for means in (Means.TABLES, Means.PATTERNS):
        room = Room(means=means)
        scores = compile_scorer(model, one_player_per_column(matrix), baseline, room).score(asked)

        assert scores.margin == pytest.approx(model.decision_function(asked), abs=1e-12)
        assert scores.attributions[told] == pytest.approx(expected[told], abs=1e-5)


@pytest.mark.parametrize("kind", ["boosting", "forest", "logistic regression"])
def test_the_first_eight_features_are_explained_as_every_coalition_says(
    data: tuple[Any, Any], kind: str
) -> None:
    matrix, bad = data[0][:, :8], data[1]
    if kind == "boosting":
        model = HistGradientBoostingClassifier(max_iter=25, random_state=0).fit(matrix, bad)
    elif kind == "forest":
        model = RandomForestClassifier(n_estimators=8, max_depth=6, random_state=0).fit(matrix, bad)
    else:
        model = logistic_regression(matrix, bad)
    players, baseline = one_player_per_column(matrix), matrix[:50]
    theirs = getattr(model, "decision_function", lambda rows: model.predict_proba(rows)[:, 1])
    expected = shapley_values(theirs, matrix[60], players, baseline)

    for means in (Means.TABLES, Means.PATTERNS):
        scores = compile_scorer(model, players, baseline, Room(means=means)).score(matrix[60:61])

        assert scores.attributions[0] == pytest.approx(expected, abs=1e-9)

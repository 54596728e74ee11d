"""Every algorithm of the registry, from a run to a decided and explained application."""

from typing import Any

import numpy as np
import pytest

from audit.store import content_store
from registry import artefacts
from registry.algorithms import ALGORITHMS
from registry.loading import load_estimator
from registry.models import Run
from registry.queries import contract_of_version
from serving.answers import decision_answer
from tests.registry.builders import a_run, a_version
from tests.serving.builders import BAD, a_decision

FORMATS = {"lightgbm": "lightgbm", "xgboost": "xgboost"}
OUTPUTS = dict.fromkeys(["decision_tree", "random_forest", "extra_trees"], "probability_bad")


def few_trees(algorithm: str) -> dict[str, Any]:
    return {
        "hist_gradient_boosting": {"max_iter": 8, "max_depth": 4},
        "lightgbm": {"num_iterations": 8},
        "logistic_regression": {},
        "decision_tree": {},
    }.get(algorithm, {"n_estimators": 8})


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_model_of_every_algorithm_is_stored_signed_loaded_and_decides(algorithm: str) -> None:
    run = a_run(algorithm=algorithm, params=few_trees(algorithm))
    champion = a_version(run=run, stage="production")

    decision = a_decision(champion, **BAD)
    answer = decision_answer(decision)

    stored = run.artefact
    assert stored.format == FORMATS.get(algorithm, "skops")
    assert artefacts.format_of(content_store().get("artefacts", stored.sha256)) == stored.format
    assert artefacts.content_sha256(load_estimator(stored)) == stored.content_sha256
    explanation = answer["explanation"]
    assert explanation["output"] == OUTPUTS.get(algorithm, "log_odds_bad")
    total = explanation["base_value"] + sum(
        item["contribution"] for item in explanation["attributions"]
    )
    assert total == pytest.approx(answer["margin"], abs=1e-9)
    assert answer["pd"] == pytest.approx(
        load_estimator(stored).predict_proba(champion_matrix(decision))[0, 1], abs=1e-6
    )


@pytest.mark.django_db
def test_a_calibrated_model_decides_and_says_what_is_explained() -> None:
    run = a_run(algorithm="random_forest", params={"n_estimators": 8, "calibration": "isotonic"})

    answer = decision_answer(a_decision(a_version(run=run, stage="production"), **BAD))

    assert answer["explanation"]["output"] == "uncalibrated_probability_bad"
    assert answer["outcome"] == "declined"
    assert answer["reasons"]


def champion_matrix(decision: Any) -> Any:
    packed = np.frombuffer(decision.observation.packed).reshape(1, -1)
    return contract_of_version(decision.version).matrix(packed)


def test_the_choices_of_a_run_are_the_algorithms_that_can_be_trained_and_what_was_trained_outside() -> (
    None
):
    assert tuple(Run.Algorithm.values) == (*ALGORITHMS, Run.Algorithm.OUTSIDE)

"""From an estimator and its stored baseline to a scorer that has checked itself."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline

from registry.artefacts.boosters import LightGBMModel, XGBoostModel
from registry.errors import TreesUnusable
from registry.trees.scikit import TREES, trees_of
from registry.trees.tables import TreeModel
from serving.explainers.preparing import PreparedScorer, players_of
from serving.explainers.scikit import (
    calibrated_part,
    calibrated_scorer,
    linear_scorer,
    preparation_of,
)
from serving.explainers.scores import (
    Floats,
    Integers,
    Output,
    Scorer,
    ScorerDisagrees,
    UnsupportedEstimator,
    output_of,
)
from serving.explainers.trees import ROOM, Room, compile_trees

TOLERANCE = 1e-9  # relative to the larger of 1 and the margin
SINGLE_PRECISION_TOLERANCE = 1e-6  # where the library itself adds floats of 32 bits


def compile_scorer(
    estimator: BaseEstimator, players: Integers, baseline: Floats, room: Room = ROOM
) -> Scorer:
    """Make the estimator ready to score and explain against the baseline matrix (m, p).

    players (p,) names the contract feature of each matrix column; attributions come one per
    feature. `room` bounds the tables of trees, or names the way of a recorded `method`, which repeats
    its bits. Raises UnsupportedEstimator, or ScorerDisagrees when the compiled margins or
    probabilities of the baseline rows are not those of the estimator.
    """
    _require_fitting(estimator, players, baseline)
    scorer = _compiled(estimator, players, baseline, room)
    _require_agreement(scorer, estimator, baseline)
    return scorer


def _compiled(estimator: BaseEstimator, players: Integers, baseline: Floats, room: Room) -> Scorer:
    match estimator:
        case CalibratedClassifierCV():
            below, curve = calibrated_part(estimator)
            inner = _compiled(below, players, baseline, room)
            return calibrated_scorer(curve, inner, len(baseline))
        case Pipeline():
            return _pipeline(estimator, players, baseline, room)
        case LogisticRegression() | SGDClassifier():
            return linear_scorer(estimator, preparation_of([], len(players)), players, baseline)
    return compile_trees(_trees(estimator), players, baseline, room)


def _pipeline(estimator: Pipeline, players: Integers, baseline: Floats, room: Room) -> Scorer:
    *steps, last = [step for _, step in estimator.steps]
    if not isinstance(last, (LogisticRegression, SGDClassifier, *TREES)):
        raise UnsupportedEstimator(
            f"A pipeline that ends in {type(last).__name__} is none that we explain exactly."
        )
    preparation = preparation_of(steps, len(players))
    if isinstance(last, LogisticRegression | SGDClassifier):
        return linear_scorer(last, preparation, players, baseline)
    inner = compile_trees(
        _trees(last), players_of(preparation.kept, players), preparation.rows(baseline), room
    )
    return PreparedScorer(preparation, inner)


def _trees(estimator: BaseEstimator) -> TreeModel:
    if isinstance(estimator, LightGBMModel | XGBoostModel):
        return estimator.trees
    if not isinstance(estimator, TREES):
        raise UnsupportedEstimator(f"{type(estimator).__name__} is none that we explain exactly.")
    try:
        return trees_of(estimator)
    except TreesUnusable as problem:
        raise UnsupportedEstimator(problem.detail) from problem


def _require_fitting(estimator: BaseEstimator, players: Integers, baseline: Floats) -> None:
    if len(baseline) == 0:
        raise UnsupportedEstimator("There is no explanation without baseline rows.")
    if not len(players) == baseline.shape[1] == estimator.n_features_in_:
        raise UnsupportedEstimator(
            f"The estimator takes {estimator.n_features_in_} columns, the baseline has "
            f"{baseline.shape[1]} and the contract {len(players)}."
        )
    if list(estimator.classes_) != [0, 1]:
        raise UnsupportedEstimator("The estimator does not tell good (0) from bad (1).")


def _require_agreement(scorer: Scorer, estimator: Any, baseline: Floats) -> None:
    """The pd must be the estimator's, and where it tells its log-odds, the margin too."""
    single = isinstance(estimator, XGBoostModel)
    tolerance = SINGLE_PRECISION_TOLERANCE if single else TOLERANCE
    ours = scorer.score(baseline)
    scale = np.maximum(1.0, np.abs(ours.margin))
    apart = np.abs(ours.pd - estimator.predict_proba(baseline)[:, 1])
    if output_of(scorer.method) == Output.LOG_ODDS and hasattr(estimator, "decision_function"):
        apart = np.maximum(
            apart, np.abs(ours.margin - estimator.decision_function(baseline)) / scale
        )
    if not apart.max() <= tolerance:
        raise ScorerDisagrees(f"Margins differ from the estimator's by up to {apart.max():.3g}.")
    gap = float((np.abs(ours.additivity_gap) / scale).max())
    if not gap <= TOLERANCE:
        raise ScorerDisagrees(f"Base value and attributions miss the margin by up to {gap:.3g}.")

"""From an estimator and its stored baseline to a scorer that has checked itself."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from serving.explainers.linear import compile_linear
from serving.explainers.scores import (
    Floats,
    Integers,
    Scorer,
    ScorerDisagrees,
    UnsupportedEstimator,
)
from serving.explainers.trees import compile_trees

TOLERANCE = 1e-9  # relative to the larger of 1 and the margin


def compile_scorer(estimator: BaseEstimator, players: Integers, baseline: Floats) -> Scorer:
    """Make the estimator ready to score and explain against the baseline matrix (m, p).

    players (p,) names the contract feature of each matrix column; attributions come one per
    feature. Raises UnsupportedEstimator, TablesTooLarge, or ScorerDisagrees when the compiled
    margins of the baseline rows are not those of the estimator.
    """
    _require_fitting(estimator, players, baseline)
    if isinstance(estimator, Pipeline):
        scorer: Scorer = compile_linear(estimator, players, baseline)
    elif isinstance(estimator, HistGradientBoostingClassifier):
        scorer = compile_trees(estimator, players, baseline)
    else:
        raise UnsupportedEstimator(f"{type(estimator).__name__} is none that we explain exactly.")
    _require_agreement(scorer, estimator, baseline)
    return scorer


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


def _require_agreement(scorer: Scorer, estimator: BaseEstimator, baseline: Floats) -> None:
    ours = scorer.score(baseline)
    theirs = np.asarray(estimator.decision_function(baseline), dtype=np.float64)
    scale = np.maximum(1.0, np.abs(theirs))
    worst = float((np.abs(ours.margin - theirs) / scale).max())
    if not worst <= TOLERANCE:
        raise ScorerDisagrees(f"Margins differ from the estimator's by up to {worst:.3g}.")
    gap = float((np.abs(ours.additivity_gap) / scale).max())
    if not gap <= TOLERANCE:
        raise ScorerDisagrees(f"Base value and attributions miss the margin by up to {gap:.3g}.")

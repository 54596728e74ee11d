"""Training a model so that the same record trains the same model again.

Everything that could differ between two machines is fixed: which rows are held out follows from
their ids, the seed is an argument, and fitting uses one thread, because the order in which threads
add floats may change the last digits.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from audit.deferred import deferred
from audit.errors import FieldProblem, InvalidInput
from registry.algorithms import ALGORITHMS, require_params
from registry.contract import FeatureContract
from registry.errors import ModelDoesNotFit, TrainingFailed, TreesUnusable
from registry.measures.calibration import calibration
from registry.measures.performance import performance

if TYPE_CHECKING:
    from sklearn import exceptions, metrics
    from sklearn.base import BaseEstimator

    from registry import fitting
else:
    exceptions = deferred("sklearn.exceptions")
    metrics = deferred("sklearn.metrics")
    fitting = deferred("registry.fitting")

__all__ = [
    "ALGORITHMS",
    "evaluate",
    "fit",
    "importance",
    "probabilities_of_bad",
    "require_params",
    "split",
]

PERSON_ENDS = "/"  # in a row id: what stands before it names the person
IMPORTANCE_REPEATS = 5
IMPORTANCE_ROWS = 5_000


def require_splitting(seed: int, holdout_share: float) -> None:
    """Raises InvalidInput naming what cannot say which rows are held out."""
    problems = []
    if not 0 < holdout_share < 1:
        problems.append(FieldProblem("holdout_share", "out_of_range", "Must be between 0 and 1."))
    if not 0 <= seed < 2**31:
        problems.append(FieldProblem("seed", "out_of_range", "Must be from 0 to 2147483647."))
    if problems:
        raise InvalidInput("The run cannot be requested; see `errors`.", errors=problems)


def require_fit(estimator: BaseEstimator, contract: FeatureContract) -> None:
    """Raises ModelDoesNotFit where the estimator takes other columns, or tells apart others than good (0) and bad (1)."""
    fitted: Any = estimator
    columns = len(contract.columns)
    taken = getattr(fitted, "n_features_in_", None)
    if taken != columns:
        raise ModelDoesNotFit(
            f"The model takes {taken} columns, and the contract gives {columns}:"
            f" {', '.join(column.name for column in contract.columns)}."
        )
    classes = getattr(fitted, "classes_", None)
    if classes is None or list(classes) != [0, 1]:
        raise ModelDoesNotFit("The model must tell 0 (good) from 1 (bad), and nothing else.")


def split(
    row_ids: Sequence[str], bad: ArrayLike, holdout_share: float, seed: int
) -> NDArray[np.bool_]:
    """bool (n,): which rows are trained on; the others are held out.

    Goods and bads are held out in the same share, by rows. Rows whose ids share what stands before a slash are of one
    person, and stay together: nobody is trained on and held out at once. Which persons follows from the digest of seed
    and id alone, so neither the order of the file nor a library's random numbers matter. Raises
    TrainingFailed where a side would be without goods or without bads.
    """
    labels = np.asarray(bad)
    persons, person_of = np.unique(
        [row_id.partition(PERSON_ENDS)[0] for row_id in row_ids], return_inverse=True
    )
    digests = np.array(
        [hashlib.sha256(f"{seed}\n{person}".encode()).hexdigest() for person in persons]
    )
    rows_of = np.bincount(person_of, minlength=len(persons))
    ever_bad = np.zeros(len(persons), dtype=labels.dtype)
    np.maximum.at(ever_bad, person_of, labels)
    trained_on = np.ones(len(persons), dtype=np.bool_)
    for outcome in (0, 1):
        members = np.flatnonzero(ever_bad == outcome)
        order = members[np.argsort(digests[members])]
        rows = np.cumsum(rows_of[order])
        wanted = round(holdout_share * rows[-1]) if members.size else 0
        held_out = int(np.searchsorted(rows, wanted, side="right"))
        if not 0 < held_out < members.size:
            raise TrainingFailed(
                f"{members.size} persons with outcome {outcome} cannot be split with a holdout share of"
                f" {holdout_share:g}."
            )
        trained_on[order[:held_out]] = False
    return np.asarray(trained_on[person_of])


def fit(
    matrix: NDArray[np.float64],
    bad: ArrayLike,
    algorithm: str,
    params: Mapping[str, Any],
    seed: int,
    *,
    monotonic_cst: Sequence[int] | None = None,
) -> BaseEstimator:
    """An estimator of P(bad) fitted to matrix (n, p) and labels (n,), 1 where bad.

    `monotonic_cst` (p,) holds the contract's directions; linear models and scikit-learn's gradient
    boosting have none to obey. Raises ParamsRefused, ExtraMissing, or TrainingFailed where the fit did
    not converge or left what cannot be kept.
    """
    require_params(algorithm, params)
    # Imported before threads are limited: a library that came later would not be.
    fitted, not_converged = fitting.fitted, exceptions.ConvergenceWarning
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("error", not_converged)
        try:
            return fitted(
                algorithm, params, matrix, np.asarray(bad, dtype=np.int64), seed, monotonic_cst
            )
        except not_converged as warning:
            iterations = params.get("max_iter", "its")
            raise TrainingFailed(
                f"The fit did not converge in {iterations} iterations."
            ) from warning
        except TreesUnusable as problem:
            raise TrainingFailed(f"What was trained cannot be kept: {problem.detail}") from problem


def probabilities_of_bad(
    estimator: BaseEstimator, matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) probabilities of bad, 0 to 1, for matrix (n, p)."""
    classified: Any = estimator
    return np.asarray(classified.predict_proba(matrix)[:, 1], dtype=np.float64)


def evaluate(bad: ArrayLike, pd: ArrayLike) -> dict[str, Any]:
    """Rank order, accuracy and calibration of n probabilities of bad against n labels."""
    return {
        "performance": performance(bad, pd).as_json(),
        "calibration": calibration(bad, pd).as_json(),
    }


def importance(
    estimator: BaseEstimator,
    contract: FeatureContract,
    matrix: NDArray[np.float64],
    bad: ArrayLike,
    seed: int,
) -> dict[str, float]:
    """Mean loss of AUC per contract feature when its columns are shuffled together.

    Permutation importance (Breiman, 2001), over IMPORTANCE_REPEATS shuffles of at most
    IMPORTANCE_ROWS of the n rows, the feature with the largest loss first.
    """
    generator = np.random.default_rng(seed)
    labels = np.asarray(bad)
    if labels.size > IMPORTANCE_ROWS:
        chosen = generator.choice(labels.size, IMPORTANCE_ROWS, replace=False)
        matrix, labels = matrix[chosen], labels[chosen]
    auc = metrics.roc_auc_score(labels, probabilities_of_bad(estimator, matrix))
    losses = {}
    for player, name in enumerate(contract.names):
        columns = np.flatnonzero(contract.players == player)
        shuffled_aucs = []
        for _ in range(IMPORTANCE_REPEATS):
            shuffled = matrix.copy()
            order = generator.permutation(labels.size)
            shuffled[:, columns] = matrix[np.ix_(order, columns)]
            shuffled_aucs.append(
                metrics.roc_auc_score(labels, probabilities_of_bad(estimator, shuffled))
            )
        losses[name] = float(auc - np.mean(shuffled_aucs))
    return dict(sorted(losses.items(), key=lambda item: -item[1]))

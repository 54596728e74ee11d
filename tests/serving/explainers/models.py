"""Small models on made-up applicants: the numbers mean nothing, the shapes do."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

Array = NDArray[np.float64]


def applicants(
    rows: int, columns: int, seed: int, missing: float = 0.0
) -> tuple[Array, NDArray[np.int64]]:
    """A matrix (rows, columns) with the given share of NaN, and labels that depend on it."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, columns))
    signal = matrix[:, 0] - matrix[:, 1] * matrix[:, 2] + np.abs(matrix[:, -1])
    bad = (rng.random(rows) < 1 / (1 + np.exp(-signal))).astype(np.int64)
    matrix[rng.random(matrix.shape) < missing] = np.nan
    return matrix, bad


def with_one_hot(rows: int, seed: int) -> tuple[Array, NDArray[np.int64], NDArray[np.int32]]:
    """Two numbers, a category of three and a category of two: seven columns, four players."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 2))
    three, two = rng.integers(0, 3, rows), rng.integers(0, 2, rows)
    matrix = np.column_stack([numbers, np.eye(3)[three], np.eye(2)[two]])
    signal = numbers[:, 0] * (three == 1) + numbers[:, 1] - 2.0 * (three == 2) * two
    bad = (rng.random(rows) < 1 / (1 + np.exp(-signal))).astype(np.int64)
    return matrix, bad, np.array([0, 1, 2, 2, 2, 3, 3], dtype=np.int32)


def boosted_trees(
    matrix: Array, bad: NDArray[np.int64], trees: int = 10, depth: int | None = 4
) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=trees, max_depth=depth, min_samples_leaf=5, early_stopping=False, random_state=1
    ).fit(matrix, bad)


def logistic_regression(matrix: Array, bad: NDArray[np.int64]) -> Pipeline:
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median")),
            ("scale", StandardScaler()),
            ("regress", LogisticRegression()),
        ]
    ).fit(matrix, bad)


def one_player_per_column(matrix: Array) -> NDArray[np.int32]:
    return np.arange(matrix.shape[1], dtype=np.int32)

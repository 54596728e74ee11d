"""What an exact explanation costs: `python -m tests.benchmarks.explaining`. The last line is one JSON object.

Contenders alternate, so that the machine's changes of speed meet all of them; every figure is the median over
rounds, in microseconds for each row. shap answers the same question, with the same 500 baseline rows; a hundred
rows at once take it seconds, so that only a few rounds ask it for them.
"""

import json
import time
from collections.abc import Callable

import numpy as np
import shap
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from serving.explainers.compiler import compile_scorer

ROUNDS = 30
ROUNDS_OF_100 = 4
FEATURES = 23
BASELINE_ROWS = 500
Matrix = NDArray[np.float64]


def main() -> None:
    matrix, bad = applicants(30_000)
    model = HistGradientBoostingClassifier(
        max_iter=200, max_leaf_nodes=31, max_depth=6, early_stopping=False, random_state=0
    ).fit(matrix, bad)
    baseline = applicants(BASELINE_ROWS, seed=1)[0]
    players = np.arange(FEATURES, dtype=np.int32)
    begun = time.perf_counter()
    compile_scorer(model, players, baseline)
    first_s = time.perf_counter() - begun
    begun = time.perf_counter()
    scorer = compile_scorer(model, players, baseline)
    again_s = time.perf_counter() - begun

    masker = shap.maskers.Independent(baseline, max_samples=BASELINE_ROWS)
    interventional = shap.TreeExplainer(model, masker)
    assert interventional.data.shape[0] == BASELINE_ROWS
    path_dependent = shap.TreeExplainer(model)

    def asked_for_same(asked: Matrix) -> object:
        return interventional.shap_values(asked, check_additivity=False)

    rows = applicants(ROUNDS * 100, seed=2)[0].reshape(ROUNDS, 100, FEATURES)
    times = alternated(
        rows,
        {
            "explain_us_1": (1, scorer.score),
            "explain_us_100": (100, scorer.score),
            "shap_interventional_us_1": (1, asked_for_same),
            "shap_path_dependent_us_1": (1, path_dependent.shap_values),
            "predict_proba_us_1": (1, model.predict_proba),
        },
    )
    hundred = alternated(
        rows[:ROUNDS_OF_100],
        {"ours": (100, scorer.score), "shap_interventional_us_100": (100, asked_for_same)},
    )
    times["shap_interventional_us_100"] = hundred["shap_interventional_us_100"]
    naive = times["predict_proba_us_1"] + times["shap_path_dependent_us_1"]
    times |= {
        "explain_speedup_1": times["shap_interventional_us_1"] / times["explain_us_1"],
        "explain_speedup_100": hundred["shap_interventional_us_100"] / hundred["ours"],
        "explain_vs_naive_1": naive / times["explain_us_1"],
        "compile_first_s": first_s,
        "compile_again_s": again_s,
    }
    print(json.dumps({name: round(value, 2) for name, value in times.items()}))


def applicants(rows: int, seed: int = 0) -> tuple[Matrix, NDArray[np.int64]]:
    """Fourteen numbers and nine codes for each of so many made-up applicants, and who of them is bad."""
    rng = np.random.default_rng(seed)
    matrix = np.hstack([rng.normal(size=(rows, 14)), rng.integers(0, 6, size=(rows, 9))])
    signal = (
        matrix[:, 0] + matrix[:, 1] * matrix[:, 2] - matrix[:, 3] + 0.1 * matrix[:, 4:].sum(axis=1)
    )
    return matrix, (rng.random(rows) < 1 / (1 + np.exp(3 - signal))).astype(np.int64)


def alternated(
    rows: Matrix, contenders: dict[str, tuple[int, Callable[[Matrix], object]]]
) -> dict[str, float]:
    """Median microseconds per row of each contender, each of which sees every round's rows in turn."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for some in rows:
        for name, (count, explain) in contenders.items():
            begun = time.perf_counter()
            explain(some[:count])
            seen[name].append((time.perf_counter() - begun) / count * 1e6)
    return {name: float(np.median(values)) for name, values in seen.items()}


if __name__ == "__main__":
    with threadpool_limits(1):  # one thread on each side
        main()

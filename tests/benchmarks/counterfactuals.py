"""What a search for counterfactuals costs: `python -m tests.benchmarks.counterfactuals`. The last line is one JSON object.

200 trees, 23 features of which 10 can be changed, 500 baseline rows; a hundred applicants who are declined, one after the
other. Milliseconds for each.
"""

import json
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from registry.contract import Feature, FeatureContract
from serving.changeable import changes_of
from serving.counterfactuals import find
from serving.explainers.compiler import compile_scorer
from serving.judging import Judge
from serving.policy import DecisionPolicy
from serving.reasons import ReasonFinder, ReasonLibrary
from tests.benchmarks.explaining import FEATURES, applicants

APPLICANTS = 100


def main() -> None:
    matrix, bad = applicants(30_000)
    model = HistGradientBoostingClassifier(
        max_iter=200, max_leaf_nodes=31, max_depth=6, early_stopping=False, random_state=0
    ).fit(matrix, bad)
    pd = model.predict_proba(matrix)[:, 1]
    cut_off = float(np.quantile(pd, 0.7))
    approved = np.flatnonzero(pd < cut_off)
    baseline = matrix[approved[np.argsort(-pd[approved])][:500]]
    names = [f"f{n:02d}" for n in range(FEATURES)]
    contract = FeatureContract(
        tuple(Feature(name, "number", reason_group=name, missing="allowed") for name in names)
    )
    texts = {name: {"code": name, "statement": name, "missing_statement": name} for name in names}
    library = ReasonLibrary.from_json({"language": "en", "groups": texts})
    judge = Judge(
        contract,
        compile_scorer(model, contract.players, baseline),
        DecisionPolicy(cut_off, None, (), 0.0, 4),
        ReasonFinder(contract, library, 0.0, 4),
        frozenset(),
    )
    declared = {name: {"direction": "any", "step": 0.01} for name in names[:10]}
    changes = changes_of(contract, declared, baseline)
    declined = np.flatnonzero(pd >= cut_off)[:: max(1, (pd >= cut_off).sum() // APPLICANTS)]
    find(judge, matrix[declined[0]], changes, baseline)
    taken, found, sizes = [], 0, []
    for row in declined[:APPLICANTS]:
        begun = time.process_time()
        told = find(judge, matrix[row], changes, baseline)
        taken.append(1000 * (time.process_time() - begun))
        found += bool(told)
        sizes += [len(one.moves) for one in told]
    print(
        json.dumps(
            {
                "p50_ms": round(float(np.median(taken)), 1),
                "p95_ms": round(float(np.quantile(taken, 0.95)), 1),
                "found_share": found / len(taken),
                "mean_changed_features": round(float(np.mean(sizes)), 2),
            }
        )
    )


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        main()

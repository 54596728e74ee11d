"""What a forest costs whose tables would not fit: `python -m tests.benchmarks.explaining_deep`. The last line is one JSON object.

200 trees of depth 10 against 500 baseline rows, by each bound of memory; times are of the processor, not of the clock.
"""

import json
import resource
import time

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from serving.explainers.compiler import compile_scorer
from serving.explainers.trees import Room
from tests.benchmarks.explaining import BASELINE_ROWS, FEATURES, applicants


def main() -> None:
    matrix, bad = applicants(30_000)
    model = RandomForestClassifier(n_estimators=200, max_depth=10, random_state=0).fit(matrix, bad)
    leaves = sum(int(tree.tree_.n_leaves) for tree in model.estimators_)
    baseline, asked = applicants(BASELINE_ROWS, seed=1)[0], applicants(20, seed=2)[0]
    figures: dict[str, object] = {"leaves": leaves, "trained_rss_mib": peak_mib()}
    for mib in (256, 16):
        begun = time.process_time()
        scorer = compile_scorer(model, np.arange(FEATURES, dtype=np.int32), baseline, Room(mib))
        compiled = time.process_time()
        scorer.score(asked)
        figures[f"within_{mib}_mib"] = {
            "method": scorer.method,
            "compile_s": round(compiled - begun, 1),
            "ms_per_row_20": round((time.process_time() - compiled) / len(asked) * 1e3, 1),
            "peak_rss_mib": peak_mib(),
        }
    print(json.dumps(figures))


def peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()

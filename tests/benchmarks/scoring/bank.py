"""A bank for the benchmark: 23 features, one champion, one lending system with a token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tests.benchmarks.explaining import BASELINE_ROWS, FEATURES, applicants

if TYPE_CHECKING:
    from registry.contract import FeatureContract

MODEL = "applicants"
ROWS = 30_000
NAMES = [f"feature_{number:02d}" for number in range(FEATURES)]
MEASURED = 14  # of the features are measured numbers, the others are codes


def contract() -> FeatureContract:
    from registry.contract import FeatureContract

    measured = {"type": "number", "minimum": -10, "maximum": 10, "unit": "standard deviations"}
    code = {"type": "integer", "minimum": 0, "maximum": 5, "unit": "code"}
    return FeatureContract.from_json(
        {
            "features": [
                {
                    "name": name,
                    "reason_group": f"group_{position:02d}",
                    **(measured if position < MEASURED else code),
                }
                for position, name in enumerate(NAMES)
            ]
        }
    )


def open_bank(folder: Path) -> str:
    """Make the champion by the product's own acts; the artefact and baseline also as files for the references. Returns a token."""
    from datetime import timedelta

    from django.contrib.auth.models import Group
    from knox.models import AuthToken

    from audit.actions.keys import open_log
    from audit.queries import service_account
    from audit.store import content_store
    from registry.queries import baseline_rows
    from tests.registry import builders
    from tests.registry.applicants import a_description
    from tests.serving.builders import the_client

    open_log("credence.test/benchmark", by=service_account("cli"))
    features, bad = applicants(ROWS)
    frame = pd.DataFrame(features, columns=NAMES)
    frame[NAMES[MEASURED:]] = frame[NAMES[MEASURED:]].astype("int64")
    frame.insert(0, "row_id", [str(number) for number in range(len(frame))])
    frame["bad"] = bad.astype("int8")
    texts = {
        f"group_{position:02d}": {
            "code": f"R{position:02d}",
            "statement": f"What feature {position} measures",
            "missing_statement": f"Unable to verify what feature {position} measures",
        }
        for position in range(FEATURES)
    }
    dataset = builders.a_dataset(
        frame,
        contract=contract(),
        description=a_description(contract=contract().as_json(), reasons=texts),
        protected_columns=(),
    )
    run = builders.a_run(
        builders.a_model(MODEL),
        dataset,
        algorithm="hist_gradient_boosting",
        params={"max_iter": 200, "max_leaf_nodes": 31, "max_depth": 6},
    )
    policy = {"cut_off": 0.3, "grey_band": None, "knockout_rules": [], "materiality_floor": 0.0, "max_reasons": 4}  # fmt: skip
    version = builders.a_version(
        run=run,
        stage="production",
        decision_policy=builders.a_policy("decision", policy),
        reason_library=builders.a_policy("reason_library", {"language": "en", "groups": texts}),
    )
    # For the references, which know nothing of the registry.
    (folder / "model.skops").write_bytes(content_store().get("artefacts", version.artefact_id))
    np.save(folder / "baseline.npy", baseline_rows(version.baseline).packed[:BASELINE_ROWS])
    client = the_client()
    client.groups.set([Group.objects.get(name="scoring client")])
    return str(AuthToken.objects.create(client, expiry=timedelta(days=1))[1])


def bodies(count: int, seed: int) -> list[bytes]:
    """So many requests by people who never asked before."""
    rows = applicants(count, seed=seed)[0]
    return [
        json.dumps(application(row, f"{seed}-{number}")).encode() for number, row in enumerate(rows)
    ]


def application(row: np.ndarray[Any, Any], name: str) -> dict[str, Any]:
    values = row.tolist()
    return {
        "application_ref": f"A-{name}",
        "subject_ref": f"P-{name}",
        "features": dict(
            zip(
                NAMES,
                [*values[:MEASURED], *(int(code) for code in values[MEASURED:])],
                strict=True,
            )
        ),
    }

"""Applicants for tests: a contract, rows that satisfy it, and policies that fit it. No database."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from registry.contract import FeatureContract

CONTRACT = FeatureContract.from_json(
    {
        "features": [
            {
                "name": "dti",
                "type": "number",
                "minimum": 0,
                "maximum": 100,
                "unit": "% of monthly income",
                "reason_group": "obligations",
                "monotone": "increasing",
            },
            {
                "name": "income",
                "type": "number",
                "minimum": 0,
                "maximum": 1_000_000,
                "unit": "USD per year",
                "reason_group": "income",
                "missing": "allowed",
            },
            {
                "name": "delinquencies",
                "type": "integer",
                "minimum": 0,
                "maximum": 20,
                "unit": "late payments",
                "reason_group": "payment_history",
            },
            {"name": "homeowner", "type": "boolean", "reason_group": "residence"},
            {
                "name": "purpose",
                "type": "category",
                "categories": ["car", "education", "medical"],
                "reason_group": "purpose",
                "missing": "allowed",
            },
        ]
    }
)
PROTECTED_COLUMNS = ("sex", "age")
CUT_OFF = 0.3
DECISION_BODY: dict[str, Any] = {
    "cut_off": CUT_OFF,
    "grey_band": {"from": 0.25, "to": CUT_OFF},
    "knockout_rules": [
        {
            "feature": "delinquencies",
            "operator": ">=",
            "value": 10,
            "reason_group": "payment_history",
        }
    ],
    "materiality_floor": 0.0,
    "max_reasons": 4,
}
REASON_BODY: dict[str, Any] = {
    "language": "en",
    "groups": {
        group: {
            "code": f"R0{number}",
            "statement": statement,
            "missing_statement": f"Unable to verify: {statement.lower()}",
        }
        for number, (group, statement) in enumerate(
            {
                "obligations": "Total monthly obligations in relation to income",
                "income": "Income insufficient for the amount of credit requested",
                "payment_history": "Number of recent late payments",
                "residence": "Whether the home is owned",
                "purpose": "Purpose of the loan",
            }.items(),
            start=1,
        )
    },
}


def an_application(**changes: object) -> dict[str, Any]:
    """The features of an ordinary applicant, with changes."""
    ordinary = {
        "dti": 21.5,
        "income": 62_000.0,
        "delinquencies": 1,
        "homeowner": True,
        "purpose": "car",
    }
    return {**ordinary, **changes}


@cache
def a_frame(rows: int = 1200, seed: int = 7) -> pd.DataFrame:
    """A snapshot of applicants, about a quarter of them bad, whose features carry signal and gaps."""
    generator = np.random.default_rng(seed)
    dti = generator.gamma(4.0, 6.0, rows).clip(0, 100)
    income = generator.lognormal(10.9, 0.5, rows).clip(0, 1_000_000)
    delinquencies = generator.poisson(0.7, rows)
    homeowner = generator.random(rows) < 0.45
    purpose = generator.choice(["car", "education", "medical"], rows, p=[0.5, 0.2, 0.3])
    log_odds = (
        -2.1
        + 0.045 * (dti - 24)
        - 0.9 * (np.log(income) - 10.9)
        + 0.55 * delinquencies
        - 0.5 * homeowner
        + 0.4 * (purpose == "medical")
    )
    bad = generator.random(rows) < 1 / (1 + np.exp(-log_odds))
    frame = pd.DataFrame(
        {
            "row_id": [str(number) for number in range(1, rows + 1)],
            "dti": dti,
            "income": np.where(generator.random(rows) < 0.08, np.nan, income),
            "delinquencies": delinquencies,
            "homeowner": homeowner,
            "purpose": purpose,
            "bad": bad.astype("int8"),
        }
    )
    frame.loc[generator.random(rows) < 0.05, "purpose"] = None
    return frame


def a_description(**changes: object) -> dict[str, Any]:
    """The registry's part of the description of `a_frame`."""
    ordinary = {
        "name": "applicants",
        "title": "Applicants of the tests",
        "source": "tests",
        "licence": "Apache-2.0",
        "label_meaning": "The loan went bad within a year.",
        "jurisdiction": "US",
        "row_key": None,
        "time": None,
        "label": {"column": "bad", "bad_values": [1]},
        "contract": CONTRACT.as_json(),
        "missing_values": {},
        "reasons": REASON_BODY["groups"],
        "ignored": {},
    }
    return {**ordinary, **changes}

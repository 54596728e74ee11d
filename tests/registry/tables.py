"""Feature tables for tests of any floor, and a spine that asks them about the past."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from django.contrib.auth.models import User
from django.utils import timezone

from registry.actions.feature_tables import define_feature_table, record_features
from registry.models import FeatureIngest, FeatureTable
from tests.registry.builders import the_builder

BUREAU = {
    "features": [
        {
            "name": "utilisation",
            "type": "number",
            "minimum": 0,
            "maximum": 2,
            "unit": "of limit",
            "missing": "allowed",
        },
        {"name": "accounts", "type": "integer", "minimum": 0, "maximum": 50},
        {"name": "grade", "type": "category", "categories": ["a", "b", "c"]},
    ]
}
TTL = timedelta(days=30)
DESCRIPTION = """
[dataset]
name = "spine"
title = "Applications with what the bureau knew"
source = "tests"
licence = "none"
label_meaning = "Not repaid within a year."
jurisdiction = "US"
entity = "customer"

[label]
column = "bad"
bad_values = [1]

[time]
column = "applied_at"

[features.dti]
type = "number"
minimum = 0
maximum = 100
reason_group = "obligations"

[features.utilisation]
type = "number"
minimum = 0
maximum = 2
unit = "of limit"
missing = "allowed"
reason_group = "bureau"
table = "TABLE"

[features.accounts]
type = "integer"
minimum = 0
maximum = 50
missing = "allowed"
reason_group = "bureau"
table = "TABLE"

[features.grade]
type = "category"
categories = ["a", "b", "c"]
missing = "allowed"
reason_group = "bureau"
table = "TABLE"

[reasons.obligations]
code = "R01"
statement = "Obligations in relation to income"
missing_statement = "Obligations could not be verified"

[reasons.bureau]
code = "R02"
statement = "What the credit bureau reports"
missing_statement = "The credit bureau reports nothing"
"""
REASONS = {
    "language": "en",
    "groups": {
        "obligations": {
            "code": "R01",
            "statement": "Obligations",
            "missing_statement": "No obligations known",
        },
        "bureau": {"code": "R02", "statement": "Bureau", "missing_statement": "No bureau report"},
    },
}
_numbers = count(1)


def a_table(client: User, name: str | None = None, **changes: Any) -> FeatureTable:
    fields: dict[str, Any] = {
        "features": BUREAU,
        "ttl_seconds": int(TTL.total_seconds()),
        "source": "The credit bureau of the tests",
    }
    return define_feature_table(
        name or f"bureau-{next(_numbers)}", client=client, by=the_builder(), **{**fields, **changes}
    )


def a_document(
    subject_ref: str, event_at: datetime, created_at: datetime | None = None, **features: Any
) -> dict[str, Any]:
    """A row as callers send it."""
    values = {"utilisation": 0.5, "accounts": 3, "grade": "a", **features}
    document = {"subject_ref": subject_ref, "event_at": event_at.isoformat(), "features": values}
    return document | ({"created_at": created_at.isoformat()} if created_at else {})


def recorded(table: FeatureTable, *documents: dict[str, Any]) -> FeatureIngest:
    return record_features(table, documents, "tests", by=the_builder())


def a_history(people: int = 300, seed: int = 3) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Rows about people of the past year, some late and some stale, and applications of theirs with their labels."""
    generator, now = np.random.default_rng(seed), timezone.now()
    documents, spine = [], []
    for person in range(people):
        applied_at = now - timedelta(days=float(generator.uniform(1, 300)))
        utilisation = float(generator.uniform(0, 2))
        for age in generator.uniform(0, 45, 3):
            event_at = applied_at - timedelta(days=float(age))
            known_at = min(event_at + timedelta(days=float(generator.uniform(0, 5))), now)
            documents.append(
                a_document(
                    f"C-{person}",
                    event_at,
                    known_at,
                    utilisation=utilisation,
                    accounts=int(generator.integers(0, 20)),
                    grade=str(generator.choice(["a", "b", "c"])),
                )
            )
        dti = float(generator.uniform(0, 100))
        risk = 1 / (1 + np.exp(-(2.0 * (utilisation - 1.3) + 0.03 * (dti - 50))))
        spine.append((f"C-{person}", applied_at.isoformat(), dti, int(generator.random() < risk)))
    return documents, pd.DataFrame(spine, columns=["customer", "applied_at", "dti", "bad"])

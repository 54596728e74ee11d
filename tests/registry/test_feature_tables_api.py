"""Feature tables over HTTP."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from registry.models import FeatureRow, FeatureTable
from tests.registry.tables import BUREAU, a_document, a_table

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]
TABLES = "/api/v1/feature-tables"


def send(client: Client, path: str, document: object) -> Any:
    return client.post(path, json.dumps(document), "application/json")


def test_a_table_is_defined_filled_and_read(
    developer: User, operator: User, lending: User, signed_in: SignIn
) -> None:
    now = timezone.now()
    definition = {
        "name": "bureau",
        "features": BUREAU["features"],
        "ttl_seconds": 86_400,
        "client": "lending",
        "source": "The bureau",
    }

    made = send(signed_in(developer), TABLES, definition)
    filled = send(
        signed_in(operator),
        f"{TABLES}/bureau/1/rows",
        {
            "source": "nightly file",
            "rows": [a_document("C-1", now), a_document("C-2", now - timedelta(days=2))],
        },
    )
    read = signed_in(developer).get(f"{TABLES}/bureau/1")
    listed = signed_in(developer).get(TABLES).json()

    assert (made.status_code, made.json()["reference"]) == (201, "bureau/1")
    assert (filled.status_code, filled.json()["rows"]) == (201, 2)
    assert filled.json()["recorded_by"] == operator.username
    assert [one["reference"] for one in listed["results"]] == ["bureau/1"]
    fresh = read.json()["freshness"]
    assert (fresh["rows"], fresh["past_ttl_share"]) == (2, 0.5)
    assert sum(fresh["people_by_age"].values()) == 2
    assert "C-1" not in read.content.decode()


def test_what_is_wrong_is_a_problem_that_names_the_field(
    developer: User, operator: User, lending: User, signed_in: SignIn
) -> None:
    table = a_table(lending, "bureau")
    rows = [a_document("C-1", timezone.now(), accounts="three")]

    refused = send(signed_in(operator), f"{TABLES}/bureau/1/rows", {"source": "f", "rows": rows})
    nobody = send(signed_in(developer), TABLES, {"name": "x", "client": "nobody"})
    unknown = signed_in(developer).get(f"{TABLES}/bureau/2")
    turned_away = send(signed_in(developer), f"{TABLES}/bureau/1/rows", {"source": "f", "rows": []})

    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/feature-rows-refused"
    assert [e["field"] for e in refused.json()["errors"]] == ["rows.0.features.accounts"]
    assert {"client", "features", "ttl_seconds"} <= {e["field"] for e in nobody.json()["errors"]}
    assert unknown.status_code == 404
    assert turned_away.status_code == 403
    assert FeatureTable.objects.get() == table
    assert not FeatureRow.objects.exists()

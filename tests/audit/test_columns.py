"""Columns in PostgreSQL's binary form are read by it as what they were made of."""

import json
import struct
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from psycopg.types.json import Jsonb

from audit.columns import packer
from audit.statements import server_cursor

NAME = UUID("0192f0c1-2a5e-7000-8000-000000000001")
COLUMNS: dict[str, list[Any]] = {
    "bigint": [1, -5, None, 2**62],
    "boolean": [True, False, None],
    "bytea": [b"a\0b", memoryview(b"held"), None, b""],
    "double precision": [1.5, -0.0, float("inf"), 5e-324, None],
    "integer": [1, -(2**31), None],
    "smallint": [3, -(2**15), None],
    "text": ["Zoë\n'\"\\", "", None],
    "timestamp with time zone": [
        datetime(2026, 11, 29, 1, 2, 3, 456789, UTC),
        datetime(1960, 2, 29, tzinfo=UTC),
        None,
    ],
    "uuid": [NAME, None],
    "varchar(20)": ["NULL", "{}", None],
}


def read_back(db_type: str, values: list[Any]) -> list[Any]:
    if connection.vendor != "postgresql":
        pytest.skip("Needs PostgreSQL: DATABASE_URL names none.")
    with server_cursor() as cursor:
        cursor.execute(f"SELECT * FROM unnest(%b::{db_type}[])", [packer(db_type)(values)])
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.postgres
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("db_type", COLUMNS)
def test_every_type_is_read_as_it_was_written(db_type: str) -> None:
    found = read_back(db_type, COLUMNS[db_type])

    assert [str(value) for value in found] == [
        str(bytes(value) if isinstance(value, memoryview) else value) for value in COLUMNS[db_type]
    ]


@pytest.mark.postgres
@pytest.mark.usefixtures("db")
def test_json_is_read_as_it_was_written() -> None:
    values = [{"a": [1.5, "é"]}, None, []]

    found = read_back("jsonb", [value if value is None else Jsonb(value) for value in values])

    assert [text and json.loads(text) for text in found] == values


@pytest.mark.parametrize(
    ("db_type", "value"), [("smallint", 2**15), ("integer", "1"), ("uuid", "text"), ("text", 5)]
)
def test_what_is_of_another_type_or_too_large_is_not_written(db_type: str, value: object) -> None:
    with pytest.raises((struct.error, AttributeError)):
        packer(db_type)([value])

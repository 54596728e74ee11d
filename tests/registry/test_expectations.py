"""What an approved policy expects of a snapshot, on rows counted by hand."""

import io
from datetime import date

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from registry.errors import PolicyMalformed
from registry.expectations import ExpectationResult, evaluate, read_expectations
from registry.snapshots import SnapshotFile

TODAY = date(2026, 3, 31)


def a_snapshot(table: pa.Table) -> SnapshotFile:
    """The table in a file that is read two rows at a time."""
    file = io.BytesIO()
    pq.write_table(table, file)
    return SnapshotFile(file, piece_rows=2)


def result(**expectation: object) -> ExpectationResult:
    table = pa.table(
        {
            "row_id": ["1", "2", "3", "4"],
            "dti": [10.0, 20.0, 70.0, None],
            "purpose": ["car", "car", "boat", None],
            "homeowner": [True, False, True, True],
            "observed_on": pa.array([date(2026, 1, 1), date(2026, 3, 1), None, date(2025, 1, 1)]),
        }
    )
    (found,) = evaluate(
        a_snapshot(table), read_expectations({"expectations": [expectation]}), TODAY
    )
    return found


@pytest.mark.parametrize(
    ("expectation", "passed", "value"),
    [
        ({"check": "range", "column": "dti", "minimum": 10, "maximum": 70}, True, 0),
        ({"check": "range", "column": "dti", "maximum": 15}, False, 2),
        ({"check": "range", "column": "purpose", "maximum": 15}, False, None),
        ({"check": "null_share", "column": "dti", "at_most": 0.25}, True, 0.25),
        ({"check": "null_share", "column": "dti", "at_most": 0.24}, False, 0.25),
        ({"check": "set", "column": "purpose", "values": ["car", "boat"]}, True, 0),
        ({"check": "set", "column": "purpose", "values": ["car"]}, False, 1),
        ({"check": "unique", "column": "row_id"}, True, 0),
        ({"check": "unique", "column": "purpose"}, False, 2),
        ({"check": "freshness", "column": "observed_on", "days": 30}, True, 30),
        ({"check": "freshness", "column": "observed_on", "days": 29}, False, 30),
        ({"check": "freshness", "column": "dti", "days": 29}, False, None),
        ({"check": "row_count", "at_least": 4, "at_most": 4}, True, 4),
        ({"check": "row_count", "at_least": 5}, False, 4),
        ({"check": "type", "column": "dti", "type": "number"}, True, None),
        ({"check": "type", "column": "homeowner", "type": "boolean"}, True, None),
        ({"check": "type", "column": "observed_on", "type": "date"}, True, None),
        ({"check": "type", "column": "purpose", "type": "text"}, True, None),
        ({"check": "type", "column": "purpose", "type": "number"}, False, None),
        ({"check": "unique", "column": "absent"}, False, None),
    ],
)
def test_an_expectation_has_a_result_with_its_number(expectation, passed, value):
    found = result(**expectation)

    assert (found.passed, found.value) == (passed, value)
    assert found.blocking is True


def test_a_date_that_lies_ahead_is_not_fresh():
    table = pa.table({"observed_on": pa.array([date(2026, 4, 2)])})
    asked = read_expectations(
        {"expectations": [{"check": "freshness", "column": "observed_on", "days": 9}]}
    )

    assert [one.passed for one in evaluate(a_snapshot(table), asked, TODAY)] == [False]


def test_no_result_holds_a_value_of_a_row():
    frame = pd.DataFrame({"purpose": ["quarrelsome"]})
    asked = read_expectations(
        {"expectations": [{"check": "set", "column": "purpose", "values": ["car"]}]}
    )

    (found,) = evaluate(a_snapshot(pa.Table.from_pandas(frame)), asked, TODAY)

    assert "quarrelsome" not in str(found.as_json())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.expectations"),
        ({"expectations": []}, "body.expectations"),
        ({"expectations": ["dti"]}, "body.expectations.0"),
        ({"expectations": [{"check": "colour"}]}, "body.expectations.0.check"),
        ({"expectations": [{"check": "unique"}]}, "body.expectations.0.column"),
        ({"expectations": [{"check": "range", "column": "dti"}]}, "body.expectations.0"),
        (
            {"expectations": [{"check": "range", "column": "dti", "minimum": 2, "maximum": 1}]},
            "body.expectations.0",
        ),
        (
            {"expectations": [{"check": "null_share", "column": "dti", "at_most": 5}]},
            "body.expectations.0.at_most",
        ),
        (
            {"expectations": [{"check": "row_count", "at_least": True}]},
            "body.expectations.0.at_least",
        ),
        (
            {"expectations": [{"check": "unique", "column": "dti", "blocking": "no"}]},
            "body.expectations.0.blocking",
        ),
        (
            {"expectations": [{"check": "unique", "column": "dti", "days": 3}]},
            "body.expectations.0.days",
        ),
        (
            {"expectations": [{"check": "type", "column": "dti", "type": "float"}]},
            "body.expectations.0.type",
        ),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_by_the_field_at_fault(body, field):
    with pytest.raises(PolicyMalformed) as refused:
        read_expectations(body)

    assert field in {problem.field for problem in refused.value.errors}

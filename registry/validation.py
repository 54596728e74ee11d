"""What a snapshot must satisfy before it is registered: its contract, as checks by pandera.

Each check has a result whether it passed or not, so that the record shows what was looked at.
Results name rows by id and never hold a value.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa

from registry.contract import Feature, FeatureContract
from registry.snapshots import LABEL, ROW_ID, TIME, arrow_schema, as_frame

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one column: what was expected and what was observed."""

    check: str
    field: str
    passed: bool
    observed: str
    expected: str

    def as_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "field": self.field,
            "passed": self.passed,
            "observed": self.observed,
            "expected": self.expected,
        }


def validate(
    table: pa.Table, contract: FeatureContract, protected: Collection[str] = ()
) -> list[CheckResult]:
    """Every check of a snapshot, passed or not.

    The columns come first; where one is protected, missing, surplus or of another type, the values
    are not looked at.
    """
    results = [*_column_checks(table, contract, protected), _row_count(table)]
    if all(result.passed for result in results):
        results += _value_checks(as_frame(table), contract)
    return results


def _column_checks(
    table: pa.Table, contract: FeatureContract, protected: Collection[str]
) -> Iterator[CheckResult]:
    barred = {name.casefold() for name in protected}
    expected = arrow_schema(contract, with_time=TIME in table.column_names)
    for name in table.column_names:
        if name.casefold() in barred:
            yield CheckResult(
                "not_protected", name, False, "a protected column", "no protected column"
            )
        elif name not in expected.names:
            yield CheckResult("column", name, False, "present", "no such column")
    for column in expected:
        found = table.column_names.count(column.name)
        if found != 1:
            yield CheckResult("column", column.name, False, f"{found} columns", "one column")
            continue
        observed = table.schema.field(column.name).type
        yield CheckResult(
            "type", column.name, observed == column.type, str(observed), str(column.type)
        )


def _row_count(table: pa.Table) -> CheckResult:
    return CheckResult(
        "row_count", "", table.num_rows > 0, f"{table.num_rows} rows", "at least one row"
    )


def _value_checks(frame: pd.DataFrame, contract: FeatureContract) -> Iterator[CheckResult]:
    columns = {
        ROW_ID: _column({"present": _present(), "unique": _unique()}),
        LABEL: _column({"present": _present(), "label": _one_of([0, 1])}),
        **{feature.name: _column(_feature_checks(feature)) for feature in contract.features},
    }
    if TIME in frame:
        columns[TIME] = _column({"present": _present()})
    failed = failed_rows(pandera.DataFrameSchema(columns), frame)
    for name, column in columns.items():
        for check in column.checks:
            rows = failed.get((name, str(check.name)), [])
            yield CheckResult(
                str(check.name), name, not rows, _in_words(rows, frame), str(check.description)
            )
    outcomes = frame[LABEL].nunique()
    yield CheckResult(
        "both_outcomes", LABEL, outcomes == 2, f"{outcomes} of 2 outcomes", "good and bad rows"
    )


def _feature_checks(feature: Feature) -> dict[str, pandera.Check]:
    checks = {}
    if feature.missing == "refused":
        checks["present"] = _present()
    if feature.type in ("number", "integer"):
        checks["range"] = pandera.Check(
            lambda values: (
                np.isfinite(values)
                & (values >= (-np.inf if feature.minimum is None else feature.minimum))
                & (values <= (np.inf if feature.maximum is None else feature.maximum))
            ),
            description=f"finite, {feature.range_in_words}",
        )
    if feature.type == "category":
        checks["category"] = _one_of(list(feature.categories))
    return checks


def _present() -> pandera.Check:
    return pandera.Check(
        lambda values: values.notna(), ignore_na=False, description="no missing value"
    )


def _unique() -> pandera.Check:
    return pandera.Check(
        lambda values: ~values.duplicated(keep=False), description="no value twice"
    )


def _one_of(allowed: list[Any]) -> pandera.Check:
    return pandera.Check(
        lambda values: values.isin(allowed),
        description=f"one of {', '.join(str(value) for value in allowed)}",
    )


def _column(checks: dict[str, pandera.Check]) -> pandera.Column:
    for name, check in checks.items():
        check.name = name
    return pandera.Column(checks=list(checks.values()), nullable=True)


def failed_rows(
    schema: pandera.DataFrameSchema, frame: pd.DataFrame
) -> dict[tuple[str, str], list[int]]:
    """For each failed check of a column the positions of the rows that fail it."""
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as failure:
        failed: dict[tuple[str, str], list[int]] = {}
        for error in failure.schema_errors:
            key = (str(error.schema.name), str(error.check.name))
            failed[key] = sorted({int(row) for row in error.failure_cases["index"]})
        return failed
    return {}


def _in_words(rows: list[int], frame: pd.DataFrame) -> str:
    if not rows:
        return "all rows as expected"
    examples = frame[ROW_ID].iloc[rows[:EXAMPLES]].fillna("?")
    return f"{len(rows)} of {len(frame)} rows (row ids {', '.join(examples)})"

"""What a snapshot must satisfy before it is registered: its contract, as checks by pandera.

Each check has a result whether it passed or not, so that the record shows what was looked at.
Results name rows by id and never hold a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.deferred import deferred
from registry.contract import Feature, FeatureContract
from registry.repeats import EXAMPLES, repeated_rows
from registry.snapshots import LABEL, ROW_ID, TIME, SnapshotFile, arrow_schema, as_frame

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pandera
else:
    pandera = deferred("pandera.pandas")


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
    snapshot: SnapshotFile, contract: FeatureContract, protected: Collection[str] = ()
) -> list[CheckResult]:
    """Every check of a snapshot, passed or not; it is read in pieces.

    The columns come first; where one is protected, missing, surplus or of another type, the values
    are not looked at.
    """
    results = [*_column_checks(snapshot, contract, protected), _row_count(snapshot)]
    if all(result.passed for result in results):
        results += _value_checks(snapshot, contract)
    return results


def _column_checks(
    snapshot: SnapshotFile, contract: FeatureContract, protected: Collection[str]
) -> Iterator[CheckResult]:
    barred = {name.casefold() for name in protected}
    expected = arrow_schema(contract, with_time=TIME in snapshot.column_names)
    for name in snapshot.column_names:
        if name.casefold() in barred:
            yield CheckResult(
                "not_protected", name, False, "a protected column", "no protected column"
            )
        elif name not in expected.names:
            yield CheckResult("column", name, False, "present", "no such column")
    for column in expected:
        found = snapshot.column_names.count(column.name)
        if found != 1:
            yield CheckResult("column", column.name, False, f"{found} columns", "one column")
            continue
        observed = snapshot.schema.field(column.name).type
        yield CheckResult(
            "type", column.name, observed == column.type, str(observed), str(column.type)
        )


def _row_count(snapshot: SnapshotFile) -> CheckResult:
    return CheckResult(
        "row_count", "", snapshot.num_rows > 0, f"{snapshot.num_rows} rows", "at least one row"
    )


def _value_checks(snapshot: SnapshotFile, contract: FeatureContract) -> Iterator[CheckResult]:
    columns = {
        ROW_ID: _column({"present": _present()}),
        LABEL: _column({"present": _present(), "label": _one_of([0, 1])}),
        **{feature.name: _column(_feature_checks(feature)) for feature in contract.features},
    }
    if TIME in snapshot.column_names:
        columns[TIME] = _column({"present": _present()})
    schema = pandera.DataFrameSchema(columns)
    failed: dict[tuple[str, str], tuple[int, list[str]]] = {}
    outcomes: set[int] = set()
    for table in snapshot.pieces():
        frame = as_frame(table)
        outcomes.update(frame[LABEL].dropna().unique())
        for key, rows in failed_rows(schema, frame).items():
            count, examples = failed.get(key, (0, []))
            more = frame[ROW_ID].iloc[rows[: EXAMPLES - len(examples)]].fillna("?")
            failed[key] = count + len(rows), [*examples, *more]
    for name, column in columns.items():
        for check in column.checks:
            key = (name, str(check.name))
            yield _by_rows(key, failed.get(key, (0, [])), str(check.description), snapshot)
        if name == ROW_ID:
            repeated = repeated_rows(snapshot, ROW_ID)
            yield _by_rows((ROW_ID, "unique"), repeated, "no value twice", snapshot)
    yield CheckResult(
        "both_outcomes",
        LABEL,
        len(outcomes) == 2,
        f"{len(outcomes)} of 2 outcomes",
        "good and bad rows",
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


def _by_rows(
    key: tuple[str, str], failed: tuple[int, list[str]], expected: str, snapshot: SnapshotFile
) -> CheckResult:
    (field, check), (count, examples) = key, failed
    observed = "all rows as expected"
    if count:
        observed = f"{count} of {snapshot.num_rows} rows (row ids {', '.join(examples)})"
    return CheckResult(check, field, not count, observed, expected)

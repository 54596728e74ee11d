"""Every check of a snapshot has a result; a failed one names rows and no values."""

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from registry.snapshots import SnapshotFile, read_parquet, to_parquet
from registry.validation import CheckResult, validate
from tests.registry.applicants import CONTRACT, PROTECTED_COLUMNS, a_frame


def results_of(frame: pd.DataFrame) -> list[CheckResult]:
    snapshot = SnapshotFile(io.BytesIO(to_parquet(frame, CONTRACT)))
    return validate(snapshot, CONTRACT, PROTECTED_COLUMNS)


def failed(results: list[CheckResult]) -> dict[tuple[str, str], str]:
    return {
        (result.field, result.check): result.observed for result in results if not result.passed
    }


def test_a_good_snapshot_passes_every_check_and_shows_each() -> None:
    results = results_of(a_frame())

    assert failed(results) == {}
    looked_at = {(result.field, result.check) for result in results}
    assert ("dti", "range") in looked_at
    assert ("purpose", "category") in looked_at
    assert ("row_id", "unique") in looked_at
    assert ("bad", "both_outcomes") in looked_at


def test_every_failed_check_is_reported_at_once_with_rows_and_no_values() -> None:
    frame = a_frame().copy()
    frame.loc[0, "dti"] = 123456.75
    frame.loc[[3, 4], "purpose"] = "secret"
    frame.loc[5, "delinquencies"] = 21
    frame.loc[6, "row_id"] = "6"
    frame.loc[7, "bad"] = 7

    found = failed(results_of(frame))

    assert found == {
        ("dti", "range"): "1 of 1200 rows (row ids 1)",
        ("purpose", "category"): "2 of 1200 rows (row ids 4, 5)",
        ("delinquencies", "range"): "1 of 1200 rows (row ids 6)",
        ("row_id", "unique"): "2 of 1200 rows (row ids 6, 6)",
        ("bad", "label"): "1 of 1200 rows (row ids 8)",
        ("bad", "both_outcomes"): "3 of 2 outcomes",
    }


def test_a_value_missing_where_it_may_not_is_a_failed_check() -> None:
    frame = a_frame().astype({"dti": object})
    frame.loc[2, "dti"] = None

    assert failed(results_of(frame)) == {("dti", "present"): "1 of 1200 rows (row ids 3)"}


def test_infinity_is_out_of_range() -> None:
    frame = a_frame().copy()
    frame.loc[2, "income"] = float("inf")

    assert failed(results_of(frame)) == {("income", "range"): "1 of 1200 rows (row ids 3)"}


def test_one_outcome_alone_teaches_nothing() -> None:
    assert ("bad", "both_outcomes") in failed(results_of(a_frame().assign(bad=0)))


def test_an_empty_snapshot_fails() -> None:
    assert failed(results_of(a_frame().head(0))) == {("", "row_count"): "0 rows"}


def test_columns_that_are_protected_missing_surplus_or_of_another_type_are_named() -> None:
    table = read_parquet(to_parquet(a_frame(), CONTRACT))
    table = table.drop_columns(["income"]).append_column("Sex", pa.array(["f"] * 1200))
    table = table.append_column("extra", pa.array([1] * 1200))
    position = table.column_names.index("delinquencies")
    table = table.set_column(position, "delinquencies", pa.array([1.0] * 1200))

    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert set(failed(validate(SnapshotFile(sink), CONTRACT, PROTECTED_COLUMNS))) == {
        ("Sex", "not_protected"),
        ("extra", "column"),
        ("income", "column"),
        ("delinquencies", "type"),
    }

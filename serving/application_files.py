"""Files of applications: read row by row, so that a file may be larger than memory.

CSV (UTF-8, a header line) and Parquet have one column per member of an application and one per feature. NDJSON has one
application per line, as the body of a decision request. CSV knows no types: a text is read as its feature's type in the
contract where it is one, and left as it is where not, for the contract to refuse by name. An empty text means "not known".
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from audit.bodies import LARGEST_SINGLE, parsed_object
from audit.errors import FieldProblem, Refusal
from registry.contract import FeatureContract
from serving.applications import MEMBERS
from serving.errors import FileUnusable

REQUIRED = ("application_ref", "subject_ref")
TRUTHS = {"true": True, "false": False}
ROWS_AT_ONCE = 1000

Row = Mapping[str, Any] | Refusal
"""A decision request, or why a line holds none."""


def applications_in(path: Path, contract: FeatureContract) -> Iterator[Row]:
    """The rows of a file in order.

    Raises FileUnusable for a file that cannot be read, and naming every column that is missing or that no application has.
    """
    readers: dict[str, Callable[[Path, FeatureContract], Iterator[Row]]] = {
        ".csv": _csv_rows,
        ".parquet": _parquet_rows,
        ".ndjson": lambda path, contract: ndjson_rows(path),
    }
    if path.suffix not in readers:
        raise FileUnusable(f"{path.name} ends in none of {', '.join(readers)}.")
    return readers[path.suffix](path, contract)


def ndjson_row(line: bytes) -> Row:
    """The application in one line of NDJSON, or why there is none in it."""
    try:
        return parsed_object(line, LARGEST_SINGLE)
    except Refusal as refusal:
        return refusal


def ndjson_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        while line := file.readline(LARGEST_SINGLE + 1):
            if len(line) > LARGEST_SINGLE:
                raise FileUnusable(f"{path.name} has a line of more than {LARGEST_SINGLE} bytes.")
            if line.strip():
                yield ndjson_row(line)


def _csv_rows(path: Path, contract: FeatureContract) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            _require_columns(path, header, contract)
            for number, row in enumerate(rows, 1):
                if len(row) != len(header):
                    raise FileUnusable(
                        f"Row {number} of {path.name} has {len(row)} values, and its header {len(header)}."
                    )
                typed = [
                    _typed(name, text, contract) for name, text in zip(header, row, strict=True)
                ]
                yield _application(dict(zip(header, typed, strict=True)))
    except (csv.Error, UnicodeDecodeError) as problem:
        raise FileUnusable(f"{path.name} is not CSV in UTF-8: {problem}.") from problem


def _parquet_rows(path: Path, contract: FeatureContract) -> Iterator[Row]:
    import pyarrow as pa  # 60 MiB that only files in Parquet need
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _require_columns(path, file.schema_arrow.names, contract)
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                yield from (_application(row) for row in batch.to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise FileUnusable(f"{path.name} is not Parquet that can be read: {problem}.") from problem


def _application(row: Mapping[str, Any]) -> dict[str, Any]:
    members = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if name in MEMBERS and value is not None
    }
    return members | {
        "features": {name: value for name, value in row.items() if name not in MEMBERS}
    }


def _typed(name: str, text: str, contract: FeatureContract) -> Any:
    """The value that a text stands for; the text itself where it is none of its feature's type."""
    feature = contract.by_name.get(name)
    if text == "":
        return None
    if feature is None or feature.type == "category":
        return text
    if feature.type == "boolean":
        return TRUTHS.get(text.lower(), text)
    try:
        return int(text) if feature.type == "integer" else float(text)
    except ValueError:
        return text


def _require_columns(path: Path, columns: Sequence[str], contract: FeatureContract) -> None:
    features = contract.given.by_name
    known = (MEMBERS - {"features"}) | set(features)
    problems = [
        FieldProblem(name, "missing", "There is no such column.")
        for name in (*REQUIRED, *features)
        if name not in columns
    ]
    problems += [
        FieldProblem(name, "unexpected", "No application of this model has such a column.")
        for name in columns
        if name not in known
    ]
    problems += [
        FieldProblem(name, "duplicate", "The column is there twice.")
        for name in sorted({name for name in columns if columns.count(name) > 1})
    ]
    if problems:
        raise FileUnusable(
            f"The columns of {path.name} are not those of an application.", errors=problems
        )

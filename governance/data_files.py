"""Reading a data file by what it is, and adding decided applications to a snapshot. Pure."""

import io
from datetime import date
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.errors import FieldProblem
from governance.errors import UnreadableFile
from registry.contract import FeatureContract
from registry.snapshots import LABEL, ROW_ID, TIME

PARQUET = b"PAR1"
MOST_CELLS = 200_000_000
"""Rows times columns of a Parquet file: 3 million applications of 60 columns (our choice, for a worker's memory)."""
Value = str | int | float | bool


def read_data_file(data: bytes) -> pd.DataFrame:
    """The rows of a CSV (UTF-8) or Parquet file, told apart by content. Raises UnreadableFile."""
    kind = "Parquet" if data.startswith(PARQUET) else "CSV in UTF-8"
    try:
        if data.startswith(PARQUET):
            return _parquet(data)
        return pd.read_csv(io.BytesIO(data), low_memory=False)
    except (ValueError, OSError, pa.ArrowException) as problem:
        raise _unreadable(
            FieldProblem("file", "unreadable", f"Not readable as {kind}.")
        ) from problem


def read_description(data: bytes) -> str:
    """The text of a description. Raises UnreadableFile."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        detail = "Must be TOML in UTF-8."
        raise _unreadable(FieldProblem("description", "unreadable", detail)) from problem


def _parquet(data: bytes) -> pd.DataFrame:
    """A few bytes of Parquet can unfold into any size: what it says of itself is looked at before it is read."""
    file = pq.ParquetFile(io.BytesIO(data))
    if file.metadata.num_rows * file.metadata.num_columns > MOST_CELLS:
        detail = f"Holds more than {MOST_CELLS:,} values (rows times columns)."
        raise _unreadable(FieldProblem("file", "too_large", detail))
    if nested := [column.name for column in file.schema_arrow if pa.types.is_nested(column.type)]:
        detail = "Holds lists or structures; a column holds one value per row."
        raise _unreadable(*(FieldProblem(name, "wrong_type", detail) for name in nested))
    frame: pd.DataFrame = file.read().to_pandas()
    return frame


def _unreadable(*problems: FieldProblem) -> UnreadableFile:
    return UnreadableFile("The file cannot be read; nothing was stored.", errors=list(problems))


def values_by_row(frame: pd.DataFrame) -> dict[str, dict[str, Value]]:
    """What is known of each row, by its row id: missing values are left out.

    Raises UnreadableFile for values that are neither text nor number, true or false.
    """
    columns = [name for name in frame.columns if name != ROW_ID]
    known = frame[columns].notna().to_numpy()
    rows = frame[columns].astype(object).to_numpy()
    return {
        str(row_id): {
            name: _plain(name, value)
            for name, value, is_known in zip(columns, row, here, strict=True)
            if is_known
        }
        for row_id, row, here in zip(frame[ROW_ID], rows, known, strict=True)
    }


def _plain(column: str, value: object) -> Value:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, Value):
        detail = "Must be texts, numbers, true or false; write a date as a text."
        raise _unreadable(FieldProblem(column, "wrong_type", detail))
    return plain


def window_row_id(subject_id: UUID, decision_id: UUID) -> str:
    """How a decided application is named in a snapshot: monitoring finds its protected attributes by the subject."""
    return f"{subject_id}/{decision_id}"


def is_window_row(row_id: str) -> bool:
    """Whether `window_row_id` made the name; a file's own key may hold a slash too."""
    try:
        return len([UUID(part) for part in row_id.split("/")]) == 2
    except ValueError:
        return False


def with_decided(
    frame: pd.DataFrame,
    contract: FeatureContract,
    row_ids: list[str],
    packed: NDArray[np.float64],
    bad: NDArray[np.float64],
    decided_on: list[date],
) -> pd.DataFrame:
    """A snapshot's rows with n decided applications added; those that it holds already are not added again."""
    decided = pd.DataFrame([contract.unpack(row) for row in packed], columns=list(contract.names))
    decided[ROW_ID] = row_ids
    decided[LABEL] = bad.astype("int8")
    if TIME in frame:
        decided[TIME] = pd.Series(decided_on, dtype=object)
    decided = decided[~decided[ROW_ID].isin(frame[ROW_ID])]
    return pd.concat(
        [frame.astype(object), decided[frame.columns].astype(object)], ignore_index=True
    )

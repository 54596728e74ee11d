"""Reading a data file by what it is, in pieces, and adding decided applications to a snapshot. Pure."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from audit.deferred import deferred
from audit.errors import FieldProblem
from governance.errors import UnreadableFile
from registry.contract import FeatureContract
from registry.snapshots import LABEL, PIECE_ROWS, ROW_ID, TIME

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    pd = deferred("pandas")
    pa = deferred("pyarrow")
    pq = deferred("pyarrow.parquet")

PARQUET = b"PAR1"
MOST_CELLS = 200_000_000
"""Rows times columns that are held in memory: 3 million applications of 60 columns (our choice, for a worker's memory)."""
MOST_CELLS_IN_PIECES = 100 * MOST_CELLS
"""Rows times columns of a Parquet file that is read in pieces (our choice, for a worker's time)."""
EMPTY = "empty"
MAYBE = "true, false or missing"
TEXT = "text"
Value = str | int | float | bool


def read_data_file(data: bytes) -> pd.DataFrame:
    """The rows of a CSV (UTF-8) or Parquet file in memory, told apart by content. Raises UnreadableFile."""
    return FileRows(io.BytesIO(data)).whole()


@dataclass
class FileRows:
    """The rows of a CSV (UTF-8) or Parquet file, told apart by content; one piece at a time is in memory.

    The first reading of the pieces learns the type that each column has in the whole file, since a piece of whole
    numbers may be followed by one of texts. Every use raises UnreadableFile.
    """

    file: IO[bytes]
    piece_rows: int = PIECE_ROWS

    @cached_property
    def columns(self) -> list[str]:
        with self._reading():
            if self._parquet:
                return list(
                    self._opened(MOST_CELLS_IN_PIECES).schema_arrow.empty_table().to_pandas()
                )
            return list(pd.read_csv(self.file, nrows=0).columns)

    def pieces(self) -> Iterator[pd.DataFrame]:
        kinds = self._kinds
        if self._parquet:
            for frame in self._read({}):
                yield frame.astype({name: kind for name, kind in kinds.items() if kind != EMPTY})
            return
        types = {
            name: "str" if kind == TEXT else kind for name, kind in kinds.items() if kind != MAYBE
        }
        for frame in self._read(types):
            yield frame.astype({name: object for name, kind in kinds.items() if kind == MAYBE})

    def whole(self) -> pd.DataFrame:
        """All rows in memory; more than MOST_CELLS are refused."""
        if self._parquet:
            with self._reading():
                self._opened(MOST_CELLS)
        held: list[pd.DataFrame] = []
        for frame in self.pieces():
            held.append(frame)
            if sum(one.size for one in held) > MOST_CELLS:
                raise _too_large(MOST_CELLS)
        return pd.concat(held, ignore_index=True)

    @cached_property
    def _parquet(self) -> bool:
        self.file.seek(0)
        return self.file.read(len(PARQUET)) == PARQUET

    @cached_property
    def _kinds(self) -> dict[str, str]:
        found: dict[str, set[str]] = {}
        for frame in self._read({}):
            for position, name in enumerate(frame.columns):
                values = frame.iloc[:, position]
                found.setdefault(name, set()).add(
                    str(values.dtype) if self._parquet else _kind(values)
                )
        return {
            name: _of_the_whole(kinds, "object" if self._parquet else TEXT)
            for name, kinds in found.items()
        }

    def _read(self, types: dict[str, str]) -> Iterator[pd.DataFrame]:
        """The pieces, each column of the type named, or else of the one that its piece suggests."""
        with self._reading():
            if self._parquet:
                parquet = self._opened(MOST_CELLS_IN_PIECES)
                if not parquet.metadata.num_rows:
                    yield parquet.schema_arrow.empty_table().to_pandas()
                for batch in parquet.iter_batches(batch_size=self.piece_rows):
                    yield pa.Table.from_batches([batch]).to_pandas()
                return
            # An argument of the engine that keeps pandas from typing parts of one piece by themselves.
            reader: Any = pd.read_csv(
                self.file, low_memory=False, chunksize=self.piece_rows, dtype=types
            )
            with reader:
                yield from reader

    @contextmanager
    def _reading(self) -> Iterator[None]:
        kind = "Parquet" if self._parquet else "CSV in UTF-8"
        self.file.seek(0)
        try:
            yield
        except (ValueError, OSError, pa.ArrowException) as problem:
            raise _unreadable(
                FieldProblem("file", "unreadable", f"Not readable as {kind}.")
            ) from problem

    def _opened(self, most_cells: int) -> pq.ParquetFile:
        """A few bytes of Parquet can unfold into any size: what it says of itself is looked at before it is read."""
        parquet = pq.ParquetFile(self.file)
        if parquet.metadata.num_rows * parquet.metadata.num_columns > most_cells:
            raise _too_large(most_cells)
        nested = [one.name for one in parquet.schema_arrow if pa.types.is_nested(one.type)]
        if nested:
            detail = "Holds lists or structures; a column holds one value per row."
            raise _unreadable(*(FieldProblem(name, "wrong_type", detail) for name in nested))
        return parquet


def _kind(values: pd.Series[Any]) -> str:
    """The type of a column in one piece of a CSV."""
    if pd.api.types.is_float_dtype(values) and values.isna().all():
        return EMPTY
    if values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) == "boolean":
        return MAYBE
    if pd.api.types.is_numeric_dtype(values):
        return str(values.dtype)
    return TEXT


def _of_the_whole(kinds: set[str], mixed: str) -> str:
    """The type of a column whose pieces are of these; `mixed` where no type but that holds them all."""
    if len(kinds) == 1:
        (kind,) = kinds
        return "float64" if kind == EMPTY else kind
    if kinds <= {"bool", MAYBE, EMPTY}:
        return MAYBE
    if "bool" in kinds or kinds & {TEXT, MAYBE}:
        return mixed
    if "uint64" in kinds and "float64" not in kinds:
        return mixed  # beyond what any one type of number holds
    numbers = {
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float64",
        EMPTY,
    }
    return "float64" if kinds <= numbers else mixed


def read_description(data: bytes) -> str:
    """The text of a description. Raises UnreadableFile."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        detail = "Must be TOML in UTF-8."
        raise _unreadable(FieldProblem("description", "unreadable", detail)) from problem


def _too_large(most_cells: int) -> UnreadableFile:
    detail = f"Holds more than {most_cells:,} values (rows times columns)."
    return _unreadable(FieldProblem("file", "too_large", detail))


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


@dataclass(frozen=True, slots=True)
class ValuesByRow:
    """What `values_by_row` gives, for frames that are made anew whenever they are gone through."""

    frames: Callable[[], Iterator[pd.DataFrame]]

    def items(self) -> Iterator[tuple[str, dict[str, Value]]]:
        for frame in self.frames():
            yield from values_by_row(frame).items()


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

"""The registry's own form of a data file: one Parquet snapshot with row id, features, label, time.

Columns of a snapshot: `row_id` (text), the contract's features, `bad` (0 or 1) and, where the
file has a time, `observed_on` (date). It is written and checked piece by piece; `load_snapshot`
alone, for training and measuring, reads the whole of it into arrays.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.deferred import deferred
from registry.contract import Feature, FeatureContract
from registry.errors import NotParquet
from registry.features import OWN_COLUMNS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
else:
    pd = deferred("pandas")
    pa = deferred("pyarrow")
    pc = deferred("pyarrow.compute")
    pq = deferred("pyarrow.parquet")

ROW_ID, LABEL, TIME = OWN_COLUMNS
PIECE_ROWS = 1 << 16
"""Rows that are in memory at once where data is read in pieces (our choice)."""
GROUP_ROWS = 1 << 20
"""Rows of a row group: fixed, so that equal rows are equal bytes however they were read. What pyarrow writes by default."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The n rows of a snapshot as arrays, in the order of the file."""

    row_ids: NDArray[np.str_]
    packed: NDArray[np.float64]
    """float64 (n, k): one value per contract feature, missing is NaN."""
    bad: NDArray[np.int8]
    """(n,): 1 where the applicant turned out bad, else 0."""
    observed_on: NDArray[np.datetime64] | None


def arrow_schema(contract: FeatureContract, *, with_time: bool) -> pa.Schema:
    """The columns and types that a snapshot under the contract has, in order."""
    types = {
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "category": pa.string(),
    }
    columns = [(ROW_ID, pa.string())]
    columns += [(feature.name, types[feature.type]) for feature in contract.features]
    columns.append((LABEL, pa.int8()))
    if with_time:
        columns.append((TIME, pa.date32()))
    return pa.schema(columns)


def to_parquet(frame: pd.DataFrame, contract: FeatureContract) -> bytes:
    """The bytes of a snapshot: equal for equal frames, since no index, name or time is stored."""
    sink = io.BytesIO()
    write_snapshot([frame], arrow_schema(contract, with_time=TIME in frame), sink)
    return sink.getvalue()


def write_snapshot(frames: Iterable[pd.DataFrame], schema: pa.Schema, file: IO[bytes]) -> None:
    """What `to_parquet` gives for the frames as one, with at most one row group and one frame in memory."""
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        waiting = schema.empty_table()
        for frame in frames:
            table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
            waiting = pa.concat_tables([waiting, table.replace_schema_metadata(None)])
            while waiting.num_rows >= GROUP_ROWS:
                # In one chunk each: where chunks end, the writer would end pages.
                writer.write_table(waiting.slice(0, GROUP_ROWS).combine_chunks())
                waiting = waiting.slice(GROUP_ROWS)
        if waiting.num_rows:
            writer.write_table(waiting.combine_chunks())


class SnapshotFile:
    """A Parquet file that is read in pieces, as often as need be. Raises NotParquet for anything else."""

    def __init__(self, file: IO[bytes], piece_rows: int = PIECE_ROWS) -> None:
        self._file, self._piece_rows = file, piece_rows
        parquet = self._opened()
        self.schema: pa.Schema = parquet.schema_arrow
        self.num_rows: int = parquet.metadata.num_rows

    @property
    def column_names(self) -> list[str]:
        return list(self.schema.names)

    def pieces(self) -> Iterator[pa.Table]:
        """At least one, which holds no rows where the file holds none."""
        if not self.num_rows:
            yield self.schema.empty_table()
        try:
            for batch in self._opened().iter_batches(batch_size=self._piece_rows):
                yield pa.Table.from_batches([batch])
        except (pa.ArrowInvalid, OSError) as error:
            raise _not_parquet() from error

    def _opened(self) -> pq.ParquetFile:
        self._file.seek(0)
        try:
            return pq.ParquetFile(self._file)
        except (pa.ArrowInvalid, OSError) as error:
            raise _not_parquet() from error


def read_parquet(data: bytes) -> pa.Table:
    """The table in Parquet bytes. Raises NotParquet for anything else."""
    try:
        return pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise _not_parquet() from error


def _not_parquet() -> NotParquet:
    return NotParquet("The bytes are not a complete Parquet file.")


def newest_date(snapshot: SnapshotFile) -> date | None:
    """The newest date of a snapshot's time column; None where it has none."""
    if TIME not in snapshot.column_names:
        return None
    dates = (pc.max(table.column(TIME)).as_py() for table in snapshot.pieces())
    return max((newest for newest in dates if newest is not None), default=None)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """The table as a data frame in which every missing value is missing, whatever the type."""
    types = {
        pa.int64(): pd.Int64Dtype(),
        pa.int8(): pd.Int8Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype(),
        pa.date32(): pd.ArrowDtype(pa.date32()),
    }
    frame: pd.DataFrame = table.to_pandas(types_mapper=types.get)
    return frame


def load_snapshot(data: bytes, contract: FeatureContract) -> Snapshot:
    """The arrays of a registered snapshot, which has passed validation under the contract."""
    frame = as_frame(read_parquet(data))
    return Snapshot(
        row_ids=frame[ROW_ID].to_numpy(dtype=str),
        packed=pack_frame(frame, contract),
        bad=frame[LABEL].to_numpy(dtype=np.int8),
        observed_on=frame[TIME].to_numpy(dtype="datetime64[D]") if TIME in frame else None,
    )


def pack_frame(frame: pd.DataFrame, contract: FeatureContract) -> NDArray[np.float64]:
    """float64 (n, k) from n validated rows; what `FeatureContract.pack` does for mappings."""
    packed = np.empty((len(frame), len(contract.features)), dtype=np.float64)
    for position, feature in enumerate(contract.features):
        packed[:, position] = _packed(frame[feature.name], feature)
    return packed


def _packed(values: pd.Series[Any], feature: Feature) -> NDArray[np.float64]:
    if feature.type == "category":
        codes = {category: float(code) for code, category in enumerate(feature.categories)}
        values = values.map(codes)
    return np.asarray(values.astype("Float64").to_numpy(na_value=np.nan), dtype=np.float64)

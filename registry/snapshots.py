"""The registry's own form of a data file: one Parquet snapshot with row id, features, label, time.

A file comes in as its owner keeps it; `split_file` turns it into a snapshot and the protected
columns that must not lie beside it. Columns of a snapshot: `row_id` (text), the contract's
features, `bad` (0 or 1) and, where the file has a time, `observed_on` (date).
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.errors import FieldProblem
from registry.contract import Feature, FeatureContract
from registry.description import Description, Label
from registry.errors import FileDiffersFromDescription, NotParquet
from registry.features import OWN_COLUMNS

ROW_ID, LABEL, TIME = OWN_COLUMNS

_ARROW_TYPES = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "category": pa.string(),
}
_PANDAS_TYPES = {
    pa.int64(): pd.Int64Dtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(),
    pa.date32(): pd.ArrowDtype(pa.date32()),
}


@dataclass(frozen=True, slots=True)
class SplitFile:
    """One data file in two parts that meet only through `row_id`."""

    snapshot: pd.DataFrame
    protected: pd.DataFrame


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
    columns = [(ROW_ID, pa.string())]
    columns += [(feature.name, _ARROW_TYPES[feature.type]) for feature in contract.features]
    columns.append((LABEL, pa.int8()))
    if with_time:
        columns.append((TIME, pa.date32()))
    return pa.schema(columns)


def split_file(frame: pd.DataFrame, description: Description) -> SplitFile:
    """The snapshot and the protected columns of a file.

    Codes for missing values become missing, labels become 0 or 1, nothing else is changed or
    dropped. Raises FileDiffersFromDescription naming every column that cannot be converted.
    """
    description.require_columns(frame.columns)
    row_ids = _row_ids(frame, description.row_key)
    problems: list[FieldProblem] = []

    def converted(column: str, convert: Callable[["pd.Series[Any]"], "pd.Series[Any]"]) -> Any:
        """The column converted; values that could not be are noted as a problem."""
        values = frame[column].where(
            ~frame[column].isin(description.missing_values.get(column, ()))
        )
        result = convert(values)
        lost = result.isna() & values.notna()
        if lost.any():
            problems.append(_unreadable(column, row_ids[lost]))
        return result

    if description.row_key and row_ids.isna().any():
        problems.append(_unreadable(description.row_key, row_ids[row_ids.isna()]))
    columns: dict[str, Any] = {ROW_ID: row_ids}
    for feature in description.features.features:
        columns[feature.name] = converted(feature.name, _CONVERSIONS[feature.type])
    labels = frame[description.label.column]
    unknown = _neither_good_nor_bad(labels, description.label)
    if unknown.any():
        problems.append(_unreadable(description.label.column, row_ids[unknown]))
    columns[LABEL] = labels.isin(description.label.bad_values).astype("int8")
    if description.time:
        columns[TIME] = converted(description.time, _as_date)
    if problems:
        raise FileDiffersFromDescription(
            "The file holds values that its description does not allow.", errors=problems
        )
    protected = frame[list(description.protected)].assign(**{ROW_ID: row_ids})
    return SplitFile(
        snapshot=pd.DataFrame(columns),
        protected=protected[[ROW_ID, *description.protected]],
    )


def _neither_good_nor_bad(labels: "pd.Series[Any]", label: Label) -> "pd.Series[bool]":
    """bool (n,): labels that are missing, or of which nothing says what they mean."""
    others = labels[~labels.isin(label.bad_values)].dropna().unique()
    good = label.good_values or (tuple(others) if len(others) < 2 else ())
    return ~labels.isin([*label.bad_values, *good]) | labels.isna()


def to_parquet(frame: pd.DataFrame, contract: FeatureContract) -> bytes:
    """The bytes of a snapshot: equal for equal frames, since no index, name or time is stored."""
    schema = arrow_schema(contract, with_time=TIME in frame)
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return sink.getvalue()


def read_parquet(data: bytes) -> pa.Table:
    """The table in Parquet bytes. Raises NotParquet for anything else."""
    try:
        return pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise NotParquet("The bytes are not a complete Parquet file.") from error


def newest_date(table: pa.Table) -> date | None:
    """The newest date of a snapshot's time column; None where it has none."""
    if TIME not in table.column_names:
        return None
    newest: date | None = pc.max(table.column(TIME)).as_py()
    return newest


def as_frame(table: pa.Table) -> pd.DataFrame:
    """The table as a data frame in which every missing value is missing, whatever the type."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS_TYPES.get)
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


def _packed(values: "pd.Series[Any]", feature: Feature) -> NDArray[np.float64]:
    if feature.type == "category":
        codes = {category: float(code) for code, category in enumerate(feature.categories)}
        values = values.map(codes)
    return np.asarray(values.astype("Float64").to_numpy(na_value=np.nan), dtype=np.float64)


def _row_ids(frame: pd.DataFrame, row_key: str | None) -> "pd.Series[str]":
    """The row key as text, or row numbers from 1 where the file has no key."""
    if row_key is None:
        return pd.Series([str(number) for number in range(1, len(frame) + 1)], index=frame.index)
    return _as_text(frame[row_key])


def _as_number(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if pd.api.types.is_bool_dtype(values):
        return pd.Series(pd.NA, index=values.index, dtype="Float64")
    return pd.to_numeric(values, errors="coerce").astype("Float64")


def _as_integer(values: "pd.Series[Any]") -> "pd.Series[Any]":
    numbers = _as_number(values)
    return numbers.where(numbers % 1 == 0).astype("Int64")


def _as_boolean(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return values.map({0: False, 1: True}).astype("boolean")


def _as_text(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("string")


def _as_date(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_datetime(values, format="ISO8601", errors="coerce").dt.date


_CONVERSIONS: dict[str, Callable[["pd.Series[Any]"], "pd.Series[Any]"]] = {
    "number": _as_number,
    "integer": _as_integer,
    "boolean": _as_boolean,
    "category": _as_text,
}


def _unreadable(column: str, row_ids: "pd.Series[str]") -> FieldProblem:
    examples = ", ".join(row_ids.head(5).fillna("?"))
    return FieldProblem(
        column,
        "wrong_type",
        f"Values that are not of the described type: {len(row_ids)} (rows {examples}).",
    )

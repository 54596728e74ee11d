"""A data file as its owner keeps it becomes a snapshot and, apart from it, its protected columns. Pure.

The file comes in pieces, and what comes of it does not depend on where they were cut: what a piece cannot tell by itself
(`WholeFile`) is learnt from all of them first. Memory holds one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from audit.deferred import deferred
from audit.errors import FieldProblem
from registry.description import Description
from registry.errors import FileDiffersFromDescription
from registry.snapshots import LABEL, PIECE_ROWS, ROW_ID, TIME

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = deferred("pandas")

EXAMPLES = 5


class Rows(Protocol):
    """The rows of a source, which can be read more than once."""

    @property
    def columns(self) -> list[str]:
        """In the order of the source; one that it has twice is there twice."""

    def pieces(self) -> Iterator[pd.DataFrame]:
        """At least one; each column has the type that it would have if all rows were read at once."""

    def whole(self) -> pd.DataFrame:
        """All rows in memory."""


@dataclass(frozen=True, slots=True)
class FrameRows:
    """Rows that are in memory already."""

    frame: pd.DataFrame
    piece_rows: int = PIECE_ROWS

    @property
    def columns(self) -> list[str]:
        return list(self.frame.columns)

    def pieces(self) -> Iterator[pd.DataFrame]:
        for start in range(0, max(len(self.frame), 1), self.piece_rows):
            yield self.frame.iloc[start : start + self.piece_rows]

    def whole(self) -> pd.DataFrame:
        return self.frame


@dataclass(frozen=True, slots=True)
class SplitFile:
    """One data file, or a piece of it, in two parts that meet only through `row_id`."""

    snapshot: pd.DataFrame
    protected: pd.DataFrame


@dataclass(frozen=True, slots=True)
class WholeFile:
    """What depends on every row of a file.

    `good` are the values of the label that mean good. `fractional` are the columns of numbers that are not all whole:
    whole numbers become texts without a point.
    """

    good: tuple[Any, ...]
    fractional: frozenset[str]


def split_file(frame: pd.DataFrame, description: Description) -> SplitFile:
    """What `Splitting` gives for a file that is in memory, in one piece."""
    (parts,) = Splitting(FrameRows(frame, max(len(frame), 1)), description).parts()
    return parts


class Splitting:
    """The snapshot and the protected columns of a file, piece by piece.

    Raises FileDiffersFromDescription where the file has not exactly the described columns.
    """

    def __init__(self, rows: Rows, description: Description) -> None:
        description.require_columns(rows.columns)
        self._rows, self._description = rows, description

    def parts(self) -> Iterator[SplitFile]:
        """Codes for missing values become missing, labels become 0 or 1, nothing else is changed or dropped.

        After the last piece raises FileDiffersFromDescription naming every column that cannot be converted: until
        then nothing that was given may be used.
        """
        described, lost = self._description, _Lost(self._description)
        for frame, row_ids in self._with_ids():
            if described.row_key:
                lost.note(described.row_key, row_ids, row_ids.isna())
            columns: dict[str, Any] = {ROW_ID: row_ids}
            for feature in described.features.features:
                convert = _CONVERSIONS[feature.type]
                columns[feature.name] = self._converted(frame, feature.name, convert, row_ids, lost)
            labels = frame[described.label.column]
            known = labels.isin([*described.label.bad_values, *self._whole.good])
            lost.note(described.label.column, row_ids, ~known | labels.isna())
            columns[LABEL] = labels.isin(described.label.bad_values).astype("int8")
            if described.time:
                columns[TIME] = self._converted(frame, described.time, _as_date, row_ids, lost)
            yield SplitFile(pd.DataFrame(columns), self._protected(frame, row_ids))
        lost.require_none()

    def protected(self) -> Iterator[pd.DataFrame]:
        """The protected columns alone, by row id."""
        return (self._protected(frame, row_ids) for frame, row_ids in self._with_ids())

    @cached_property
    def _whole(self) -> WholeFile:
        label, texts = self._description.label, self._texts
        others: dict[Any, None] = {}
        fractional: set[str] = set()
        for frame in self._rows.pieces():
            if not label.good_values and len(others) < 2:
                labels = frame[label.column]
                others |= dict.fromkeys(labels[~labels.isin(label.bad_values)].dropna().unique())
            fractional |= {
                name for name in texts - fractional if self._is_fractional(frame[name], name)
            }
        return WholeFile(
            label.good_values or (tuple(others) if len(others) < 2 else ()), frozenset(fractional)
        )

    @property
    def _texts(self) -> set[str]:
        described = self._description
        texts = {one.name for one in described.features.features if one.type == "category"}
        return texts | {described.row_key} if described.row_key else texts

    def _is_fractional(self, values: pd.Series[Any], name: str) -> bool:
        if not pd.api.types.is_float_dtype(values):
            return False
        codes = () if name == self._description.row_key else self._codes(name)
        return not (values[~values.isin(codes)].dropna() % 1 == 0).all()

    def _codes(self, column: str) -> tuple[Any, ...]:
        return self._description.missing_values.get(column, ())

    def _with_ids(self) -> Iterator[tuple[pd.DataFrame, pd.Series[str]]]:
        """Each piece with the row key as text, or with row numbers from 1 where the file has no key."""
        key, first = self._description.row_key, 1
        for frame in self._rows.pieces():
            if key is None:
                numbers = [str(number) for number in range(first, first + len(frame))]
                yield frame, pd.Series(numbers, index=frame.index, dtype="string")
            else:
                yield frame, self._as_text(frame[key])
            first += len(frame)

    def _protected(self, frame: pd.DataFrame, row_ids: pd.Series[str]) -> pd.DataFrame:
        named = list(self._description.protected)
        return frame[named].assign(**{ROW_ID: row_ids})[[ROW_ID, *named]]

    def _converted(
        self,
        frame: pd.DataFrame,
        column: str,
        convert: Callable[[pd.Series[Any]], pd.Series[Any]] | None,
        row_ids: pd.Series[str],
        lost: _Lost,
    ) -> pd.Series[Any]:
        """The column converted; values that could not be are noted as lost."""
        values = frame[column]
        if pd.api.types.is_integer_dtype(values):
            # A missing value would turn whole numbers into floats, in the pieces that have one.
            values = values.astype("UInt64" if values.dtype == "uint64" else "Int64")
        values = values.where(~values.isin(self._codes(column)))
        result = convert(values) if convert else self._as_text(values)
        lost.note(column, row_ids, result.isna() & values.notna())
        return result

    def _as_text(self, values: pd.Series[Any]) -> pd.Series[Any]:
        if pd.api.types.is_float_dtype(values) and values.name not in self._whole.fractional:
            values = values.astype("Int64")
        return values.astype("string")


class _Lost:
    """Values that cannot be what the description says: for each column how many, and of which rows the first are."""

    def __init__(self, description: Description) -> None:
        described = description
        names = [
            described.row_key,
            *described.features.names,
            described.label.column,
            described.time,
        ]
        self._rows: dict[str, list[Any]] = {name: [] for name in names if name}
        self._counts = dict.fromkeys(self._rows, 0)

    def note(self, column: str, row_ids: pd.Series[str], lost: pd.Series[bool]) -> None:
        if count := int(lost.sum()):
            self._counts[column] += count
            examples = row_ids[lost].head(EXAMPLES).fillna("?")
            self._rows[column] = [*chain(self._rows[column], examples)][:EXAMPLES]

    def require_none(self) -> None:
        if problems := [
            FieldProblem(
                column,
                "wrong_type",
                f"Values that are not of the described type: {count} (rows {', '.join(self._rows[column])}).",
            )
            for column, count in self._counts.items()
            if count
        ]:
            raise FileDiffersFromDescription(
                "The file holds values that its description does not allow.", errors=problems
            )


def _as_number(values: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_bool_dtype(values):
        return pd.Series(pd.NA, index=values.index, dtype="Float64")
    return pd.to_numeric(values, errors="coerce").astype("Float64")


def _as_integer(values: pd.Series[Any]) -> pd.Series[Any]:
    numbers = _as_number(values)
    return numbers.where(numbers % 1 == 0).astype("Int64")


def _as_boolean(values: pd.Series[Any]) -> pd.Series[Any]:
    # Compared, not mapped: a map of whole numbers finds none of a piece that is all true or false.
    true, false = (values == 1).fillna(False), (values == 0).fillna(False)
    return true.astype("boolean").where(true | false)


def _as_date(values: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(values, format="ISO8601", errors="coerce").dt.date


_CONVERSIONS: Mapping[str, Callable[[pd.Series[Any]], pd.Series[Any]] | None] = {
    "number": _as_number,
    "integer": _as_integer,
    "boolean": _as_boolean,
    "category": None,  # as text, which the whole file decides
}

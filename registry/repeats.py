"""Values that a column of a snapshot holds more than once, found without holding the column in memory. Pure."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.deferred import deferred
from registry.snapshots import ROW_ID, SnapshotFile, as_frame

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = deferred("pandas")

EXAMPLES = 5
MOST_COMPARED = 1_000_000
"""Rows whose values are compared themselves; where more share a digest, they are counted by it (our choice, for memory)."""
_AT_ONCE = 1 << 20


def repeated_rows(snapshot: SnapshotFile, column: str) -> tuple[int, list[str]]:
    """Of how many rows the value stands in another row too, and the row ids of the first; missing values are not counted.

    1. A 64-bit digest of each value goes into a temporary file, eight bytes a row, which is sorted where it lies: the
       system may write its pages back, so that memory does not grow with the rows. A set or a database would be
       many times that.
    2. Digests that are there twice are looked for among neighbours.
    3. The rows that have them are read again and their values compared, since two texts may share a digest.
    """
    suspects = _twice(snapshot, column)
    if not len(suspects):
        return 0, []
    count, examples, held = 0, list[str](), list[pd.DataFrame]()
    for table in snapshot.pieces():
        frame = as_frame(table.select(list(dict.fromkeys([ROW_ID, column])))).dropna(subset=column)
        frame = frame[np.isin(_digests(frame[column]), suspects)]
        if count <= MOST_COMPARED:
            held.append(frame)
        examples = [*examples, *frame[ROW_ID].head(EXAMPLES).fillna("?")][:EXAMPLES]
        count += len(frame)
    if count > MOST_COMPARED:
        return count, examples
    found = pd.concat(held)
    found = found[found[column].duplicated(keep=False)]
    return len(found), list(found[ROW_ID].head(EXAMPLES).fillna("?"))


def _twice(snapshot: SnapshotFile, column: str) -> NDArray[np.uint64]:
    with tempfile.TemporaryFile() as file:
        for table in snapshot.pieces():
            file.write(_digests(as_frame(table.select([column]))[column].dropna()).tobytes())
        file.flush()
        if not file.tell():
            return np.empty(0, dtype=np.uint64)
        digests = np.memmap(file, dtype=np.uint64, mode="r+")
        digests.sort()
        found = []
        for start in range(0, len(digests), _AT_ONCE):
            here = np.asarray(digests[start : start + _AT_ONCE + 1])
            found.append(np.unique(here[1:][here[1:] == here[:-1]]))
        return np.unique(np.concatenate(found))


def _digests(values: pd.Series[Any]) -> NDArray[np.uint64]:
    if pd.api.types.is_float_dtype(values):
        values = values + 0.0  # -0.0 is 0.0
    return np.asarray(pd.util.hash_pandas_object(values, index=False), dtype=np.uint64)

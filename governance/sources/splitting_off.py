"""The rows of a source become a snapshot on disk; what is protected is read apart from it, and lies in no file of ours."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from registry.description import Description
from registry.joining import join_features
from registry.snapshots import arrow_schema, write_snapshot
from registry.splitting import FrameRows, Rows, Splitting

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SplitOff:
    """A snapshot as an open temporary file, and the protected columns, read from the source whenever asked for."""

    snapshot: IO[bytes]
    protected: Callable[[], Iterator[pd.DataFrame]]
    provenance: dict[str, Any]


@contextmanager
def split_off(rows: Rows, described: Description) -> Iterator[SplitOff]:
    """Raises UnreadableFile, FileDiffersFromDescription, UnknownFeatureTable or FeaturesDifferFromTable.

    Rows with features to be looked up are in memory as a whole while they are joined.
    """
    provenance: dict[str, Any] = {}
    if described.features.tables:
        joined = join_features(rows.whole(), described)
        rows, provenance = FrameRows(joined.frame), joined.provenance
    splitting = Splitting(rows, described)
    schema = arrow_schema(described.features, with_time=described.time is not None)
    with tempfile.TemporaryFile() as file:
        write_snapshot((parts.snapshot for parts in splitting.parts()), schema, file)
        yield SplitOff(file, splitting.protected, provenance)

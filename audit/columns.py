"""A column of several rows as one array, in PostgreSQL's binary form. Pure.

The driver makes the same bytes, and looks at every value for its type first.
Source: PostgreSQL's array_recv, and the receiving function of each type.
"""

import json
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from psycopg import adapters, pq
from psycopg.adapt import Dumper

_HEADER = struct.Struct("!iiIii")  # dimensions, whether any is NULL, type, length, first index
_LENGTH = struct.Struct("!i")
_NULL = _LENGTH.pack(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
dumps = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_INT8 = partial(struct.Struct("!iq").pack, 8)


def _sized(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


# By the type that a column has in the database, without its length: a value's length and bytes.
_FORMS: dict[str, Callable[[Any], bytes]] = {
    "bigint": _INT8,
    "boolean": partial(struct.Struct("!i?").pack, 1),
    "bytea": lambda value: _sized(bytes(value)),
    "double precision": partial(struct.Struct("!id").pack, 8),
    "integer": partial(struct.Struct("!ii").pack, 4),
    "jsonb": lambda value: _sized(b"\1" + dumps(value.obj).encode()),
    "smallint": partial(struct.Struct("!ih").pack, 2),
    "text": lambda text: _sized(text.encode()),
    "timestamp with time zone": lambda value: _INT8((value - _EPOCH) // _MICROSECOND),
    "uuid": lambda value: _sized(value.bytes),
    "varchar": lambda text: _sized(text.encode()),
}


class Column(bytes):
    """An array in binary form, which the driver sends as it is. What it is of, the statement says: `%b::uuid[]`."""


class _AsItIs(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Column) -> bytes:
        return obj


def packer(db_type: str) -> Callable[[Sequence[Any]], Column]:
    """What makes a column of that type of the values that the driver takes for it (Jsonb for jsonb), or None."""
    kind = db_type.partition("(")[0]
    form, oid = _FORMS[kind], adapters.types[kind].oid

    def pack(values: Sequence[Any]) -> Column:
        header = _HEADER.pack(1, None in values, oid, len(values), 1)
        return Column(
            b"".join([header, *[_NULL if value is None else form(value) for value in values]])
        )

    return pack


adapters.register_dumper(Column, _AsItIs)

"""Canonical JSON (RFC 8785) of the values that a log entry may hold.

No JSON float: a float64 is its `repr()` as a string. Integers stay within 2^53, keys are ASCII. Under these
rules any encoder that sorts keys, adds no space and escapes only what it must gives the bytes of RFC 8785: msgspec's here, the
standard library's in the offline verifier. The tests check both against an independent implementation.
"""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec

LARGEST_INTEGER = 2**53 - 1
_encode = msgspec.json.Encoder(order="deterministic").encode

Plain = None | bool | int | str | list["Plain"] | dict[str, "Plain"]


class NotCanonical(ValueError):
    """A value has no canonical form: NaN, a number too large, a key that is not ASCII text."""


def plain(value: Any) -> Any:
    """The value as None, bool, int, str, list and dict; floats, times and identifiers become text."""
    exact = type(value)
    if exact is str or value is None or exact is bool:  # most of what acts record
        return value
    if exact is dict:
        return _plain_members(value)
    if exact is float and math.isfinite(value):
        return repr(value)
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotCanonical(f"{value!r} is not a number that can be recorded.")
        return repr(float(value))
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date | UUID | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [
            plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)
        ]
    if hasattr(value, "item"):  # a NumPy scalar
        return plain(value.item())
    raise NotCanonical(f"A {type(value).__name__} cannot be recorded.")


def _plain_members(members: dict[Any, Any]) -> dict[str, Any]:
    """Numbers by name are most of what decisions record: they cost no call of their own."""
    found = {}
    for key, item in members.items():
        if type(item) is float and math.isfinite(item):
            found[_key(key)] = repr(item)
        else:
            found[_key(key)] = plain(item)
    return found


def _integer(value: int) -> int:
    if abs(value) > LARGEST_INTEGER:
        raise NotCanonical(f"{value} is larger than 2^53 - 1.")
    return int(value)


def _key(key: object) -> str:
    if isinstance(key, str) and key.isascii():
        return key
    raise NotCanonical(f"{key!r} is not an ASCII key.")


def canonical_json(value: Plain) -> bytes:
    """The one byte string of a plain value. Raises NotCanonical where there is none."""
    _require_canonical(value)
    return encoded(value)


def encoded(value: Any) -> bytes:
    """The canonical JSON of what `plain` returned, or of text only. Raises NotCanonical for half a surrogate pair."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise NotCanonical("A text holds half a surrogate pair.") from None


def _require_canonical(value: Any) -> None:
    if value is None or isinstance(value, bool | str):
        return
    if isinstance(value, int):
        _integer(value)
    elif isinstance(value, list):
        for item in value:
            _require_canonical(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _key(key)
            _require_canonical(item)
    else:
        raise NotCanonical(f"A {type(value).__name__} has no canonical form.")


def digest_json(value: Any) -> str:
    """SHA-256, as hex, of the canonical JSON of any recordable value."""
    return hashlib.sha256(canonical_json(plain(value))).hexdigest()


def timestamp(moment: datetime) -> str:
    """UTC with microseconds, always of the same length: `2026-11-20T18:00:00.000000Z`."""
    if moment.tzinfo is None:
        raise NotCanonical("A time without a zone cannot be recorded.")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"

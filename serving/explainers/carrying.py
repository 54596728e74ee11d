"""A scorer as bytes, and back to the bit: numbers, words and the names of our own kinds. Nothing in the bytes is run."""

from dataclasses import fields
from typing import IO, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving.explainers.calibrating import IsotonicScorer, SigmoidScorer
from serving.explainers.forest import Forest
from serving.explainers.linear import LinearScorer
from serving.explainers.preparing import Preparation, PreparedScorer
from serving.explainers.scores import Link, Means, Output
from serving.explainers.subtrees import Subtrees
from serving.explainers.trees import Patterns, Room, Tables, TreeScorer

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        *(LinearScorer, TreeScorer, PreparedScorer, SigmoidScorer, IsotonicScorer),
        *(Forest, Subtrees, Tables, Patterns, Preparation, Link, Room),
    )
}
_WORDS: dict[str, Any] = {kind.__name__: kind for kind in (Means, Output)}
_DTYPES = frozenset({"<f8", "<i8", "<i4", "<u8", "<u4", "<u2", "|u1", "|b1"})
_LENGTH_BYTES = 8
Buffer = TypeVar("Buffer", bytearray, memoryview)


def write(file: IO[bytes], value: object) -> None:
    """Write what scorers are made of: the length of a plan, the plan, then the arrays in its order."""
    arrays: list[NDArray[Any]] = []
    plan = msgspec.msgpack.encode(_plan(value, arrays))
    file.write(len(plan).to_bytes(_LENGTH_BYTES, "little") + plan)
    for array in arrays:
        file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def read(file: IO[bytes]) -> Any:
    """What was written, in arrays of its own. Raises ValueError for anything else, and where it ends too early."""
    try:
        length = int.from_bytes(_filled(file, bytearray(_LENGTH_BYTES)), "little")
        return _built(msgspec.msgpack.decode(_filled(file, bytearray(length))), file)
    except (ValueError, KeyError, TypeError, OverflowError, MemoryError) as problem:
        raise ValueError(f"The bytes are no scorer: {problem!r}") from None


def _plan(value: object, arrays: list[NDArray[Any]]) -> Any:
    """A plain value as it is, anything else as a pair: what it is, and what it holds."""
    kind = type(value).__name__
    match value:
        case np.ndarray():
            arrays.append(value)
            return ["array", [value.dtype.str, list(value.shape)]]
        case Means() | Output():
            return [kind, value.value]
        case float():
            return float(value)  # of NumPy's, too
        case None | bool() | int() | str() | bytes():
            return value
        case dict():
            return {name: _plan(part, arrays) for name, part in value.items()}
        case _ if kind in _KINDS:
            return [kind, [_plan(part, arrays) for part in _parts(value)]]
        case tuple():
            return ["tuple", [_plan(part, arrays) for part in value]]
    raise TypeError(f"A {kind} is no part of a scorer.")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, tuple):
        return list(value)
    return [getattr(value, field.name) for field in fields(value)]


def _built(plan: Any, file: IO[bytes]) -> Any:
    if isinstance(plan, dict):
        return {name: _built(part, file) for name, part in plan.items()}
    if not isinstance(plan, list):
        return plan
    kind, held = plan
    if kind == "array":
        dtype, shape = held
        if dtype not in _DTYPES:
            raise TypeError(f"No scorer holds {dtype}.")
        array = np.empty(shape, dtype=dtype)
        _filled(file, array.reshape(-1).view(np.uint8).data)
        return array
    if kind in _WORDS:
        return _WORDS[kind](held)
    parts = [_built(part, file) for part in held]
    return tuple(parts) if kind == "tuple" else _KINDS[kind](*parts)


def _filled(file: IO[bytes], buffer: Buffer) -> Buffer:
    view, place = memoryview(buffer), 0
    while place < len(view):
        count = file.readinto(view[place:])  # type: ignore[attr-defined]  # of every binary file
        if not count:
            raise ValueError("They end too early.")
        place += count
    return buffer

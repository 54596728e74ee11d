"""What can be wrong with the texts and numbers of a notice policy, as problems that name their place. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.errors import FieldProblem

MOST_DAYS = 366
DAYS_WANTED = f"Must be a whole number of days from 1 to {MOST_DAYS}."


def address(where: str, value: object, *more: str) -> Iterator[FieldProblem]:
    if not isinstance(value, Mapping):
        yield fault(where, "Must be a table.")
        return
    yield from keys(where, value, ("name", "address", *more))
    for key in ("name", *more):
        yield from text(f"{where}.{key}", value.get(key), key in value)
    if "address" in value:
        yield from texts(f"{where}.address", value["address"])


def all_texts(where: str, value: object, wanted: Sequence[str]) -> Iterator[FieldProblem]:
    if not isinstance(value, Mapping):
        yield fault(where, "Must be a table.")
        return
    yield from keys(where, value, wanted)
    for key in wanted:
        yield from text(f"{where}.{key}", value.get(key), key in value)


def keys(where: str, table: Mapping[str, Any], wanted: Sequence[str]) -> Iterator[FieldProblem]:
    for key in wanted:
        if key not in table:
            yield fault(f"{where}.{key}", "Is required.")
    for key in sorted(set(table) - set(wanted)):
        yield FieldProblem(f"{where}.{key}", "unexpected", "Nobody reads it.")


def text(where: str, value: object, present: bool) -> Iterator[FieldProblem]:
    if present and not is_text(value):
        yield fault(where, "Must be a text that is not empty.")


def texts(where: str, value: object) -> Iterator[FieldProblem]:
    if not isinstance(value, list | tuple) or not value or not all(map(is_text, value)):
        yield fault(where, "Must be a list of texts that is not empty.")


def is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_days(value: object) -> bool:
    """A year at most: the law's days are far fewer, and no date is so far away that none can be counted."""
    return type(value) is int and 0 < value <= MOST_DAYS


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fault(field: str, detail: str) -> FieldProblem:
    return FieldProblem(field, "malformed", detail)

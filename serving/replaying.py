"""Whether what was recorded and what is found again are the same, to the last bit, by name. Pure."""

import hashlib
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.errors import Refusal
from serving.judging import Judgement

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same. `field` names it without any value: part of the record, then where in it."""

    field: str
    recorded: Any
    found: Any

    @property
    def apart(self) -> float | None:
        """How far two numbers lie apart; None where one of them is none."""
        if _is_number(self.recorded) and _is_number(self.found):
            return abs(float(self.recorded) - float(self.found))
        return None


def differences(
    part: str, recorded: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Difference]:
    """Everything in which two nested documents differ, in the order of the first, then of the second.

    Two numbers are the same when they are the same double: a missing value (NaN) is like another, 0.0 is not like -0.0.
    """
    then, now = dict(_leaves(part, recorded)), dict(_leaves(part, found))
    for field in {**then, **now}:
        one, other = then.get(field, ABSENT), now.get(field, ABSENT)
        if not _is_same(one, other):
            yield Difference(field, one, other)


def restriction_differences(
    recorded: Collection[int], throughout: Collection[int], sometime: Collection[int]
) -> Iterator[Difference]:
    """Use restrictions by which a person decided: those recorded, and those that referred around that moment.

    The record must hold whichever referred `throughout`, and nothing that did not refer at `sometime`.
    """
    held = set(recorded)
    if not set(throughout) <= held <= set(sometime):
        yield Difference("restricted_by", sorted(held), sorted(throughout))


def drawn(seed: int, ids: Iterable[UUID], wanted: int) -> list[UUID]:
    """At most `wanted` of the ids: those whose hash with the seed is smallest, so that anyone draws the same again."""
    return heapq.nsmallest(wanted, ids, key=lambda one: _hashed(seed, str(one)))


def shares(seed: int, wanted: int) -> list[float]:
    """As many shares of a span, 0 to 1, evenly spread by chance and the same for the same seed."""
    return [_hashed(seed, f"share {number}") / 2**64 for number in range(wanted)]


def judged_document(
    names: Sequence[str], judgement: Judgement | Refusal, cut_off: float, method: str
) -> dict[str, Any]:
    """What a judgement says, as a document to compare. A refusal has no more than an outcome."""
    if isinstance(judgement, Refusal):
        return {"outcome": f"refused: {judgement.type}"}
    return {
        "packed": dict(zip(names, judgement.packed.tolist(), strict=True)),
        "method": method,
        "base_value": judgement.base_value,
        "margin": judgement.margin,
        "pd": judgement.pd,
        "cut_off": cut_off,
        "additivity_gap": judgement.additivity_gap,
        "attributions": dict(zip(names, judgement.attributions.tolist(), strict=True)),
        "outcome": str(judgement.ruling.outcome),
        "decision_path": str(judgement.ruling.path),
        **judgement.reasoning,
    }


def _hashed(seed: int, text: str) -> int:
    name = f"credence-replay/1\n{seed}\n{text}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def _leaves(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(f"{where}.{key}", item)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _leaves(f"{where}.{position}", item)
    else:
        yield where, value


def _is_same(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return repr(float(one)) == repr(float(other))
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

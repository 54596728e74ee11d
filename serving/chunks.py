"""Long lists of applications, decided a chunk at a time: each chunk commits by itself, under a key of its own.

A chunk that comes again under its key is answered from the record. So whoever was interrupted begins again, and each
application is decided once.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth.models import User

from audit.action import require
from audit.errors import AlreadyErased, Refusal
from serving import queries
from serving.actions.decisions import decide_batch
from serving.answers import decision_answer, refusal_answer
from serving.idempotency import IdempotencyKey
from serving.models import Decision

CHUNK = 500  # applications; the keys of chunks rest on it, so that what was begun under another number is decided anew

T = TypeVar("T")


class Answered(NamedTuple):
    """One row per application, in order, with its `decision` or its `problem`."""

    rows: list[dict[str, Any]]
    replayed: bool


def chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """CHUNK rows each; the last may be shorter."""
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def answered(
    model: str,
    documents: Sequence[object],
    *,
    by: User,
    key: IdempotencyKey | None,
    number: int | None = None,
    whole: bool = False,
) -> Answered:
    """Decide a chunk, or answer it from the record where its key came before.

    Raises what `decide_batch` raises and what it returns for a chunk as a whole, NotPermitted and IdempotencyKeyReused.
    """
    require(by, "serving.decide")
    known = queries.answer_to(by, key.key, key.body_sha256) if key else None
    if known and known.results is not None:
        return Answered(_restored(known.results), replayed=True)
    results = decide_batch(model, documents, by=by, number=number, key=key, whole=whole)
    if isinstance(results, Refusal):
        raise results
    return Answered([_row(result) for result in results], replayed=False)


def _row(result: Decision | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"problem": refusal_answer(result)}
    try:
        return {"decision": decision_answer(result)}
    except AlreadyErased as erased:
        return {"problem": refusal_answer(erased)}


def _restored(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decisions from the record, problems as kept."""
    wanted = [UUID(row["decision_id"]) for row in results if "decision_id" in row]
    decisions = queries.decisions_by_id(wanted)
    return [
        _row(decisions[UUID(row["decision_id"])]) if "decision_id" in row else row
        for row in results
    ]

"""Claiming an Idempotency-Key for as long as an act lasts."""

import hashlib
from collections.abc import Sequence
from typing import Protocol, TypeVar

from django.contrib.auth.models import User
from django.db import connection

from serving.errors import RequestInProgress
from serving.idempotency import IdempotencyKey
from serving.models import IdempotencyRecord


class Keyed(Protocol):
    @property
    def key(self) -> IdempotencyKey | None: ...


K = TypeVar("K", bound=Keyed)


def claim(key: IdempotencyKey | None, by: User) -> None:
    """Raises RequestInProgress where a request with the same key is going on, or has only just ended."""
    if key and not _free([key.key], by):
        raise RequestInProgress("A request with this Idempotency-Key is being answered; ask again.")


def claimed(asked: Sequence[K], by: User) -> list[K]:
    """The requests whose keys are claimed now: not those whose key another has, an earlier one of them included."""
    first: dict[str, K] = {}
    for one in asked:
        if one.key:
            first.setdefault(one.key.key, one)
    free = _free(list(first), by) if first else set()
    return [
        one
        for one in asked
        if one.key is None or (one.key.key in free and first[one.key.key] is one)
    ]


def _free(keys: Sequence[str], by: User) -> set[str]:
    """PostgreSQL runs acts side by side, so a key is locked until the act ends; SQLite runs one act at a time, and the
    row of the one before is there to see."""
    free = set(keys) if connection.vendor == "sqlite" else _locked(keys, by)
    used = IdempotencyRecord.objects.filter(client=by, key__in=free)
    return free.difference(used.values_list("key", flat=True))


def _locked(keys: Sequence[str], by: User) -> set[str]:
    """The keys that PostgreSQL gave this transaction the lock of."""
    numbered = {_lock_number(key, by): key for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number FROM unnest(%s::bigint[]) AS number WHERE pg_try_advisory_xact_lock(number)",
            [list(numbered)],
        )
        return {numbered[number] for (number,) in cursor.fetchall()}


def _lock_number(key: str, by: User) -> int:
    name = f"{by.pk}\n{key}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)

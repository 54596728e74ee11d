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
    """Raises RequestInProgress where a request with the same key is going on, or has only just ended.

    PostgreSQL runs acts side by side, so the key is locked until the act ends; SQLite runs one act
    at a time, and the row of the one before is there to see.
    """
    if key is None:
        return
    free = connection.vendor == "sqlite" or locked(f"{by.pk}\n{key.key}")
    if not free or IdempotencyRecord.objects.filter(client=by, key=key.key).exists():
        raise RequestInProgress("A request with this Idempotency-Key is being answered; ask again.")


def with_own_keys(asked: Sequence[K]) -> list[K]:
    """Without requests whose key an earlier one of them has."""
    first: dict[str, K] = {}
    for one in asked:
        if one.key:
            first.setdefault(one.key.key, one)
    return [one for one in asked if one.key is None or first[one.key.key] is one]


def is_claimed(key: IdempotencyKey | None, by: User) -> bool:
    try:
        claim(key, by)
    except RequestInProgress:
        return False
    return True


def locked(name: str) -> bool:
    """True when PostgreSQL gave this transaction the lock of that name; False when another has it."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])

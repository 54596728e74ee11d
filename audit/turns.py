"""Acts that take turns: legal holds and erasures, so that none is placed while what it covers is being destroyed.

Erasures go side by side; placing a hold waits for those that began before it, and those that come after see it.
SQLite runs one act at a time anyway. The lock ends with the act's transaction.
"""

import hashlib

from django.db import connection

HOLDS = "credence-holds/v1"


def erasing() -> None:
    """From here on, until the act ends, no hold is placed."""
    share(HOLDS)


def placing_hold() -> None:
    """From here on, until the act ends, nobody is erased."""
    take(HOLDS)


def share(name: str) -> None:
    """Wait until nobody has taken the turn of that name; until the act ends, nobody takes it."""
    _lock("pg_advisory_xact_lock_shared", name)


def take(name: str) -> None:
    """Wait until nobody shares the turn of that name; until the act ends, it is this act's alone."""
    _lock("pg_advisory_xact_lock", name)


def _lock(function: str, name: str) -> None:
    if connection.vendor == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [number])

"""Legal holds and erasures take turns, so that none is placed while what it covers is being destroyed.

Erasures go side by side; placing a hold waits for those that began before it, and those that come after see it.
SQLite runs one act at a time anyway. The lock ends with the act's transaction.
"""

import hashlib

from django.db import connection

NUMBER = int.from_bytes(hashlib.sha256(b"credence-holds/v1").digest()[:8], "big", signed=True)


def erasing() -> None:
    """From here on, until the act ends, no hold is placed."""
    _lock("pg_advisory_xact_lock_shared")


def placing_hold() -> None:
    """From here on, until the act ends, nobody is erased."""
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [NUMBER])

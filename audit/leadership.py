"""One sequencer at a time, and one archiver: a session lock on PostgreSQL, a locked file beside SQLite.

The lock keeps two sequencers from working against each other. That they could not fork the log even so is the
compare-and-swap on the head.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import Error, connection

from audit.errors import Refusal


class NotLeader(Refusal):
    """Another process seals, or archives, this log."""


@contextmanager
def leadership(origin: str, role: str = "sequencer") -> Iterator[None]:
    """Within the block this process alone has that role for `origin`. Raises NotLeader at once where another one does."""
    lock = _postgresql_lock if connection.vendor == "postgresql" else _file_lock
    with lock(origin, role):
        yield


@contextmanager
def _postgresql_lock(origin: str, role: str) -> Iterator[None]:
    digest = hashlib.sha256(f"credence-{role}/v1\n{origin}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        row = cursor.fetchone()
    if row != (True,):
        raise NotLeader(f"Another process is the {role} of {origin}.")
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:  # a lost connection has let go already
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


@contextmanager
def _file_lock(origin: str, role: str) -> Iterator[None]:
    folder = Path(settings.CREDENCE_VAR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{role}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotLeader(f"Another process is the {role} of {origin}.") from None
        yield

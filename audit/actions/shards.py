"""The end of one shard of the log, and the beginning of the next."""

import hashlib

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from audit import entries, keys
from audit.action import action, record
from audit.actions.keys import introduce_producer_key
from audit.errors import Refusal
from audit.events import Event
from audit.models import Entry, Publication, ShardClose

LOCK_SECONDS = (
    5  # how long acts that have begun may take to end; longer, and closing is tried again
)


class ShardClosedAlready(Refusal):
    """Somebody closed this shard."""


@action(Event.SHARD_CLOSED, needs="audit.roll_shard")
def close_shard(origin: str, next_origin: str, *, by: User) -> ShardClose:
    """Write the last entry of a shard: when this has committed, the database takes no other entry of it.

    Acts that are running end first, and acts that begin wait for the commit; theirs is then refused (ShardIsClosed) until the
    next shard is open. Raises ShardClosedAlready.
    """
    _hold_off_inserts()
    if ShardClose.objects.filter(origin=origin).exists():
        raise ShardClosedAlready(f"{origin} was closed already.")
    entry = record(subject=("audit.log", origin), next_origin=next_origin)
    return ShardClose.objects.create(
        origin=origin, next_origin=next_origin, closed_at=timezone.now(), entry=entry
    )


@action(Event.SHARD_OPENED, needs="audit.roll_shard")
def open_shard(
    closed: ShardClose, final: Publication, delegation: keys.Delegation, *, by: User
) -> Entry:
    """Write entries 0 and 1 of the next shard: how the one before it ended, and the key that signs from here on."""
    origin = closed.next_origin
    entry = record(
        subject=("audit.log", origin),
        signed_by=keys.log_as_producer(origin),
        vkey=keys.log_vkey(origin),
        vkeys=keys.log_vkeys(origin),
        entry_schema=entries.SCHEMA,
        previous={
            "origin": closed.origin,
            "size": final.size,
            "root": final.root.hex(),
            "checkpoint_sha256": hashlib.sha256(final.note.encode()).hexdigest(),
        },
    )
    introduce_producer_key(delegation, by=by)
    return entry


def _hold_off_inserts() -> None:
    """On SQLite this act is the only writer already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            cursor.execute("SELECT audit_entry_lock()")

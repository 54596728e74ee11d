"""A log is a row of shards, one per year, each named and ended by the next.

What a roll leaves, and what moves it on:

    prepared     the keys of the next shard are in the ring; nothing uses them
    closed       the last entry of the shard and its ShardClose row, in one transaction: the database takes no other
    ended        the sequencer sealed that entry, and the final checkpoint is published
    opened       entries 0 and 1 of the next shard, signed by the log key; entry 0 names the final checkpoint
    introduced   both are under a published checkpoint
    switched     every process writes the next shard

Each step looks at what is stored and not at what was done, so a crash anywhere is gone on from by the next pass. Between
closed and switched every act is refused and may be asked for again (ShardIsClosed): that takes about a second.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from audit import key_making, keys, sequencer
from audit.actions.keys import introduce_producer_key
from audit.actions.shards import close_shard, open_shard
from audit.errors import Refusal
from audit.events import Event
from audit.keyring import public_id
from audit.liveness import reconcile_due
from audit.models import Entry, Leaf, ShardClose
from audit.publishing import publish
from audit.queries import head_size, newest_checkpoint, published_size
from audit.reconciliation import GRACE

_YEAR = re.compile(r"(.+)/(\d{4})")
# Past the end of the year by enough that its last hour was reconciled.
AFTER_NEW_YEAR = GRACE + timedelta(minutes=1)


class NotReadyToClose(Refusal):
    """The shard goes on for now: a shard is closed only where its end can be published at once."""

    status = 503


def next_origin(origin: str, now: datetime) -> str | None:
    """The name of the shard that is due, or None: where the year in the name is not over, or there is none."""
    match = _YEAR.fullmatch(origin)
    if match is None:
        return None
    base, year = match[1], int(match[2])
    current = (now - AFTER_NEW_YEAR).astimezone(UTC).year
    return f"{base}/{current}" if current > year else None


def due(now: datetime) -> tuple[str, str] | None:
    """The shard to close and the one to open, or None. A roll that was begun is always due."""
    origin = keys.current_origin()
    begun = ShardClose.objects.filter(origin=origin).first()
    following = begun.next_origin if begun else next_origin(origin, now)
    return (origin, following) if following else None


def roll(origin: str, following: str, *, by: User) -> bool:
    """As many steps as can be done now; True once every process writes `following`. For the process that leads `origin`.

    Raises what sealing raises, NotReadyToClose, and OperationalError where acts that run did not end in time.
    """
    if keys.current_origin() == following:
        return True
    sequencer.seal_as_leader(origin, partial(publish, origin))
    closed = begin(origin, following, by=by)
    following = closed.next_origin
    delegation = key_making.make_shard(following, timezone.now())
    sequencer.seal_as_leader(origin, partial(publish, origin))
    if not _has_ended(closed):
        return False
    if not Entry.objects.filter(origin=following, event=Event.SHARD_OPENED).exists():
        open_shard(closed, newest_checkpoint(origin), delegation, by=by)
    elif not _is_introduced(delegation):  # the one that was introduced waited until it was too old
        introduce_producer_key(delegation, by=by)
    sequencer.seal_as_leader(following, partial(publish, following))
    if published_size(following) < head_size(following):
        return False
    key_making.switch_shard(following)
    return True


def begin(origin: str, following: str, *, by: User) -> ShardClose:
    """Prepare the keys and close the shard, unless that was done. Whoever leads goes on from there. Raises NotReadyToClose."""
    closed = ShardClose.objects.filter(origin=origin).first()
    if closed is None:
        key_making.make_shard(following, timezone.now())
        size = head_size(origin)
        publish(origin)
        if published_size(origin) < size:
            raise NotReadyToClose(
                f"The newest checkpoint of {origin} is not published: its witnesses do not answer. It stays open until they do."
            )
        reconcile_due(by=by)
        closed = close_shard(origin, following, by=by)
    return closed


def roll_if_due(*, by: User) -> str | None:
    """What the sequencer asks with every pass: the shard that was opened, or None."""
    pair = due(timezone.now())
    try:
        return pair[1] if pair and roll(*pair, by=by) else None
    except OperationalError as problem:
        if getattr(problem.__cause__, "sqlstate", None) != "55P03":  # lock_not_available
            raise
        return None  # acts are running; the next pass tries again


def _has_ended(closed: ShardClose) -> bool:
    """The last entry has its index, nothing came after it, and strangers see it."""
    leaf = Leaf.objects.filter(entry_id=closed.entry_id).first()
    size = head_size(closed.origin)
    return leaf is not None and leaf.index == size - 1 and published_size(closed.origin) == size


def _is_introduced(delegation: keys.Delegation) -> bool:
    return Entry.objects.filter(
        origin=delegation.origin,
        event=Event.PRODUCER_KEY_INTRODUCED,
        subject_id=public_id(delegation.producer),
    ).exists()

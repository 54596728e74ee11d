"""The sequencer: gives entries their index, integrates the tree, has the head signed.

States of an entry, and what moves it on:

    in the outbox    committed with its act; a trigger wrote the outbox row
    in the tree      one transaction: leaves, tiles and head together, the outbox row gone
    under a signed head    the signer remembered the head, signed it, and the checkpoint was stored
    published        as strangers see it: the quorum of witnesses has cosigned that head (audit.publishing)

A crash between two of them leaves a state that the next pass moves on: a head without a checkpoint is signed first, and a
checkpoint that was not published is published. Sealed means published.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import keys, tree
from audit.batches import Waiting, move_into_tree, waiting_entries
from audit.errors import Refusal
from audit.leadership import NotLeader, leadership
from audit.merkle import EMPTY_ROOT, leaf_hash
from audit.models import Checkpoint, Head, Tile
from audit.publishing import Publisher, witness_policy
from audit.queries import head_size, is_waiting, last_waiting, published_size
from audit.signer import LogSigner, TreeShrank, log_signer
from audit.tiles import CheckpointBody, FullTile

BATCH = 4096


class HeadMoved(Refusal):
    """Another sequencer moved the head meanwhile. What this one prepared was rolled back."""


class EntryAltered(Refusal):
    """An entry's bytes are not those that were recorded. Nothing is sealed until a person has found out why."""

    status = 503


class NotYetSealed(Refusal):
    """An entry waits for its index, or the head over it for its signature and its witnesses. Ask again in a moment."""

    status = 202


@dataclass(frozen=True)
class SealResult:
    """What one pass did: entries that got their index, and the head that is now signed."""

    origin: str
    entries: int
    size: int
    root: bytes


def current_origin() -> str:
    """The origin of the log that this installation writes."""
    return keys.current_origin()


def seal(origin: str | None = None, *, on_batch: Callable[[int], None] | None = None) -> SealResult:
    """One pass: sign a head left unsigned, then integrate and sign what waits.

    `on_batch` hears how many entries each batch sealed. Raises NotLeader where another process seals, HeadMoved, EntryAltered,
    SignerRefused.
    """
    origin = origin or current_origin()
    with leadership(origin), Publisher(origin, witness_policy()) as publisher:
        return seal_as_leader(origin, publisher.publish, on_batch=on_batch)


def seal_as_leader(
    origin: str, publish: Callable[[], object], *, on_batch: Callable[[int], None] | None = None
) -> SealResult:
    """The pass of a process that already leads; `publish` is called whenever a head was signed."""
    signer = log_signer(origin)
    _require_newest(origin, signer)
    _sign_head(origin, signer)
    publish()
    total = 0
    while sealed := _integrate(origin):
        _sign_head(origin, signer)
        publish()
        total += sealed
        if on_batch is not None:
            on_batch(sealed)
        if sealed < BATCH:  # it took all that waited: what came since waits for company
            break
    head = _head(origin)
    return SealResult(origin, total, head.size, bytes(head.root))


def await_sealed(origin: str, seconds: float) -> None:
    """Return once what waits now is sealed: by the process that leads, or by this one where none does.

    Raises NotYetSealed when that takes longer than `seconds`.
    """
    deadline, up_to = time.monotonic() + seconds, last_waiting(origin)
    _seal_until(lambda: not is_waiting(origin, up_to), origin, deadline)
    size = head_size(origin)  # or larger: what came since is not waited for
    _seal_until(lambda: published_size(origin) >= size, origin, deadline)


def _seal_until(holds: Callable[[], bool], origin: str, deadline: float) -> None:
    while not holds():
        if time.monotonic() > deadline:
            raise NotYetSealed(f"{origin} was not sealed in time. Is the sequencer running?")
        try:
            seal(origin)
        except NotLeader:
            time.sleep(0.1)


def _integrate(origin: str) -> int:
    """Move one batch from the outbox into the tree; how many entries that were.

    1. Take the oldest outbox rows; commit order and row order may differ, and either gives a valid tree.
    2. Leaf hashes from the entries' own bytes, and the tiles they fill.
    3. The head, by compare-and-swap, before anything else is written: of two sequencers that came this far one fails here.
    4. Leaves and tiles; the outbox rows are gone.
    """
    with transaction.atomic(durable=True):
        # The head first: entries that another sequencer takes after this cannot be in a batch that is read later.
        head = _head(origin)
        batch = waiting_entries(origin, BATCH)
        if not batch:
            return 0
        hashes = [_checked_hash(entry) for entry in batch]
        frontier = tree.frontier_at(origin, head.size)
        full = frontier.append(hashes)
        _move_head(head, frontier.size, frontier.root)
        move_into_tree(origin, head.size, batch, hashes)
        Tile.objects.bulk_create(_row(origin, tile) for tile in full)
    return len(batch)


def _checked_hash(entry: Waiting) -> bytes:
    """Its receipt, if it has one, is over the leaf hash that was recorded: nothing else may enter the tree."""
    if entry.body is None:
        raise EntryAltered(f"Entry {entry.entry_id} was removed after it was recorded.")
    leaf = leaf_hash(entry.body)
    if leaf != entry.leaf_hash:
        raise EntryAltered(
            f"The bytes of entry {entry.entry_id} were changed after it was recorded."
        )
    return leaf


def _row(origin: str, tile: FullTile) -> Tile:
    return Tile(
        origin=origin, level=tile.level, number=tile.index, hashes=tile.hashes, root=tile.root
    )


def _head(origin: str) -> Head:
    head = Head.objects.filter(origin=origin).first()
    return head or Head(origin=origin, size=0, root=EMPTY_ROOT)


def _move_head(head: Head, size: int, root: bytes) -> None:
    now = timezone.now()
    if head.size == 0:
        try:
            Head.objects.create(origin=head.origin, size=size, root=root, moved_at=now)
        except IntegrityError:
            raise HeadMoved(f"Another sequencer began {head.origin}.") from None
        return
    unmoved = Head.objects.filter(origin=head.origin, size=head.size, root=head.root)
    if unmoved.update(size=size, root=root, moved_at=now) != 1:
        raise HeadMoved(f"Another sequencer moved the head of {head.origin} from {head.size}.")


def _require_newest(origin: str, signer: LogSigner) -> None:
    """Before anything is integrated: an older database must not give its indices a second time."""
    signed, size = signer.last(), _head(origin).size
    if size < signed.size:
        raise TreeShrank(
            f"The database holds {size} sealed entries of {origin}; the signer signed {signed.size}. "
            "An older database was restored, or entries were removed."
        )


def _sign_head(origin: str, signer: LogSigner) -> None:
    """Sign the head unless its checkpoint is stored. Signing the same head twice gives the same note."""
    head = _head(origin)
    if head.size == 0 or Checkpoint.objects.filter(origin=origin, size=head.size).exists():
        return
    body = CheckpointBody(origin, head.size, bytes(head.root))
    note = signer.sign(body, tree.growth(origin, signer.last().size, head.size))
    Checkpoint.objects.create(
        origin=origin, size=head.size, root=head.root, note=note, signed_at=timezone.now()
    )

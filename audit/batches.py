"""What the sequencer reads and writes for one batch: entries out of the outbox, leaves and tiles into the tree.

On PostgreSQL in the driver's binary form, and leaves by COPY: a batch of 4096 takes a fraction of a second while writers
write on the same cores. On SQLite in the mapper's way.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from audit.models import Entry, Leaf, Outbox
from audit.writing import server_cursor

ROWS_PER_QUERY = 500


class Waiting(NamedTuple):
    """One entry that waits for its index: its place in the outbox, and the bytes that are to become a leaf."""

    place: int
    entry_id: UUID
    body: bytes
    leaf_hash: bytes  # as recorded with the entry


def waiting_entries(origin: str, limit: int) -> list[Waiting]:
    """The entries of one origin at the front of the outbox, in its order.

    Raises KeyError where the outbox names an entry that is not there: someone removed it with all rights.
    """
    front = Outbox.objects.filter(origin=origin).order_by("pk")
    places = list(front.values_list("pk", "entry_id")[:limit])
    read = _read_binary if connection.vendor == "postgresql" else _read
    entries = {pk: (body, leaf) for pk, body, leaf in read([entry_id for _, entry_id in places])}
    return [Waiting(place, entry_id, *entries[entry_id]) for place, entry_id in places]


def move_into_tree(
    origin: str, first: int, batch: Sequence[Waiting], hashes: Sequence[bytes]
) -> None:
    """Leaves from index `first` on, and the outbox without them; in the transaction that is open."""
    if connection.vendor == "postgresql":
        _copy_leaves(origin, first, batch, hashes)
    else:
        Leaf.objects.bulk_create(
            Leaf(origin=origin, index=index, entry_id=entry.entry_id, leaf_hash=leaf)
            for index, (entry, leaf) in enumerate(zip(batch, hashes, strict=True), first)
        )
        Outbox.objects.filter(pk__in=[entry.place for entry in batch]).delete()


def _read(ids: Sequence[UUID]) -> Iterator[tuple[UUID, bytes, bytes]]:
    for start in range(0, len(ids), ROWS_PER_QUERY):
        some = Entry.objects.filter(pk__in=ids[start : start + ROWS_PER_QUERY])
        for pk, body, leaf in some.values_list("pk", "body", "leaf_hash"):
            yield pk, bytes(body), bytes(leaf)


def _read_binary(ids: Sequence[UUID]) -> Iterator[tuple[UUID, bytes, bytes]]:
    if not ids:
        return
    with connection.wrap_database_errors, server_cursor() as cursor:
        # The bounds let the planner leave out the months that none of them lies in.
        cursor.execute(
            "SELECT id, body, leaf_hash FROM audit_entry WHERE id = ANY(%b) AND id BETWEEN %b AND %b",
            [list(ids), min(ids), max(ids)],
            binary=True,
            prepare=False,
        )
        yield from cursor


def _copy_leaves(
    origin: str, first: int, batch: Sequence[Waiting], hashes: Sequence[bytes]
) -> None:
    with connection.wrap_database_errors, server_cursor() as cursor:
        with cursor.copy(
            "COPY audit_leaf (origin, index, entry_id, leaf_hash) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["varchar", "int8", "uuid", "bytea"])
            for index, (entry, leaf) in enumerate(zip(batch, hashes, strict=True), first):
                copy.write_row((origin, index, entry.entry_id, leaf))
        cursor.execute(
            "DELETE FROM audit_outbox WHERE id = ANY(%b)", [[entry.place for entry in batch]]
        )

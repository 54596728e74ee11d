"""What the sequencer reads and writes for one batch: entries out of the outbox, leaves into the tree.

On PostgreSQL in three statements and in the driver's binary form: a batch of 4096 takes a fraction of a second while writers
write on the same cores. On SQLite in the mapper's way.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from audit.models import Entry, Leaf, Outbox
from audit.statements import server_cursor

ROWS_PER_QUERY = 500
# The file header of COPY's binary format (no flags, no extension), and the count of columns that ends it.
_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_END = struct.pack("!h", -1)


class Waiting(NamedTuple):
    """One entry that waits for its index: its place in the outbox, and the bytes that are to become a leaf.

    `body` and `leaf_hash` are None where someone with all rights removed the entry.
    """

    place: int
    entry_id: UUID
    body: bytes | None
    leaf_hash: bytes | None  # as recorded with the entry


def waiting_entries(origin: str, limit: int) -> list[Waiting]:
    """The entries of one origin at the front of the outbox, in its order."""
    if connection.vendor == "postgresql":
        return _read_joined(origin, limit)
    front = Outbox.objects.filter(origin=origin).order_by("pk")
    places = list(front.values_list("pk", "entry_id")[:limit])
    entries: dict[UUID, tuple[bytes, bytes]] = {}
    for start in range(0, len(places), ROWS_PER_QUERY):
        some = [entry_id for _, entry_id in places[start : start + ROWS_PER_QUERY]]
        rows = Entry.objects.filter(pk__in=some).values_list("pk", "body", "leaf_hash")
        entries |= {pk: (bytes(body), bytes(leaf)) for pk, body, leaf in rows}
    return [Waiting(place, pk, *entries.get(pk, (None, None))) for place, pk in places]


def move_into_tree(
    origin: str, first: int, batch: Sequence[Waiting], hashes: Sequence[bytes]
) -> None:
    """Leaves from index `first` on, and the outbox without them; in the transaction that is open."""
    if connection.vendor == "postgresql":
        _copy_leaves(origin, first, batch, hashes)
        return
    Leaf.objects.bulk_create(
        Leaf(origin=origin, index=index, entry_id=entry.entry_id, leaf_hash=leaf)
        for index, (entry, leaf) in enumerate(zip(batch, hashes, strict=True), first)
    )
    Outbox.objects.filter(pk__in=[entry.place for entry in batch]).delete()


def _read_joined(origin: str, limit: int) -> list[Waiting]:
    with connection.wrap_database_errors, server_cursor() as cursor:
        cursor.execute(
            # The limit stands in the text: plans are kept, and for an unknown one the whole log would be read.
            "SELECT waiting.id, waiting.entry_id, body, leaf_hash FROM "
            f"(SELECT id, entry_id FROM audit_outbox WHERE origin = %b ORDER BY id LIMIT {int(limit)}) AS waiting "
            "LEFT JOIN audit_entry ON audit_entry.id = waiting.entry_id ORDER BY waiting.id",
            [origin],
            binary=True,
        )
        return [Waiting._make(row) for row in cursor.fetchall()]


def _copy_leaves(
    origin: str, first: int, batch: Sequence[Waiting], hashes: Sequence[bytes]
) -> None:
    """Rows as COPY reads them: the number of columns, and before each its length. The driver can make them too, and slower."""
    name = origin.encode()
    begin = struct.pack(f"!hi{len(name)}si", 4, len(name), name, 8)
    row = struct.Struct(f"!{len(begin)}sqi16si32s")
    rows = [
        row.pack(begin, index, 16, entry.entry_id.bytes, 32, leaf)
        for index, (entry, leaf) in enumerate(zip(batch, hashes, strict=True), first)
    ]
    with connection.wrap_database_errors, server_cursor() as cursor:
        with cursor.copy(
            "COPY audit_leaf (origin, index, entry_id, leaf_hash) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.write(b"".join([_COPY_BEGIN, *rows, _COPY_END]))
        # As text: a list of integers takes the driver longer.
        places = ",".join(str(entry.place) for entry in batch)
        cursor.execute("DELETE FROM audit_outbox WHERE id = ANY(%t::bigint[])", [f"{{{places}}}"])

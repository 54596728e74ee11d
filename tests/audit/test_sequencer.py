"""From the outbox into the tree, and under a signed head."""

from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from audit import sequencer, tree
from audit.keys import log_vkey
from audit.merkle import leaf_hash, range_root, tree_root, verify_consistency
from audit.models import Checkpoint, Entry, Head, Leaf, Outbox, Tile
from audit.notes import open_note, parse_vkey
from audit.sequencer import EntryAltered, HeadMoved, seal
from audit.signer import TreeRewritten, TreeShrank
from audit.tiles import parse_checkpoint, split_tile
from tests.audit.acts import some_entries


def bodies(origin: str) -> list[bytes]:
    rows = Leaf.objects.filter(origin=origin).order_by("index")
    return [bytes(row.entry.body) for row in rows.select_related("entry")]


def test_sealing_gives_every_waiting_entry_its_index_in_order(log: str, keeper: User) -> None:
    entries = some_entries(3, by=keeper)

    result = seal()

    assert result.entries == 5
    assert list(Leaf.objects.order_by("index").values_list("index", flat=True)) == [0, 1, 2, 3, 4]
    assert [e.pk for e in entries] == [leaf.entry_id for leaf in Leaf.objects.order_by("index")[2:]]
    assert not Outbox.objects.exists()


def test_a_log_begins_with_its_own_key_and_then_its_producer_key(log: str) -> None:
    seal()

    events = [leaf.entry.event for leaf in Leaf.objects.order_by("index")]
    assert events == ["audit.shard.opened", "audit.producer_key.introduced"]


def test_the_head_is_the_root_over_the_entries_own_bytes_and_its_checkpoint_is_signed(
    log: str, keeper: User
) -> None:
    some_entries(10, by=keeper)

    result = seal()

    checkpoint = Checkpoint.objects.get()
    body = parse_checkpoint(open_note(checkpoint.note, [parse_vkey(log_vkey())]).text)
    assert body.root == result.root == tree_root([leaf_hash(b) for b in bodies(log)])
    assert (body.origin, body.size) == (log, 12)


def test_sealing_again_with_nothing_waiting_changes_nothing(log: str) -> None:
    first = seal()

    again = seal()

    assert (again.entries, again.size, again.root) == (0, first.size, first.root)
    assert Checkpoint.objects.count() == 1


@pytest.mark.parametrize("counts", [[253], [254], [255], [200, 200], [510, 1, 1]])
def test_full_tiles_are_stored_and_partial_ones_are_made_from_rows(
    log: str, keeper: User, counts: list[int]
) -> None:
    for count in counts:
        some_entries(count, by=keeper)
        seal()

    leaves, size = [leaf_hash(b) for b in bodies(log)], 2 + sum(counts)
    assert Tile.objects.filter(level=0).count() == size // 256
    for tile in Tile.objects.filter(level=0):
        assert split_tile(bytes(tile.hashes)) == leaves[tile.number * 256 : tile.number * 256 + 256]
    assert range_root(0, size, tree.subtrees(log, size)) == tree_root(leaves)
    assert bytes(Head.objects.get().root) == tree_root(leaves)


def test_a_backlog_larger_than_a_batch_is_sealed_batch_by_batch(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 4)
    some_entries(9, by=keeper)
    heard: list[int] = []

    result = seal(on_batch=heard.append)

    assert heard == [4, 4, 3]
    assert (result.entries, result.size) == (11, 11)
    assert sorted(Checkpoint.objects.values_list("size", flat=True)) == [4, 8, 11]


def test_every_checkpoint_grows_from_the_one_before(log: str, keeper: User) -> None:
    for count in (1, 5, 300, 20):
        some_entries(count, by=keeper)
        seal()

    heads = [(c.size, bytes(c.root)) for c in Checkpoint.objects.order_by("size")]
    for (old, old_root), (new, new_root) in pairwise(heads):
        verify_consistency(old, new, tree.growth(log, old, new), old_root, new_root)


def test_a_head_that_a_crash_left_unsigned_is_signed_first(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer._integrate(log)
    assert not Checkpoint.objects.exists()

    result = seal()

    assert result.entries == 0
    assert Checkpoint.objects.get().size == Head.objects.get().size == 2


def test_a_signature_whose_checkpoint_was_never_stored_is_made_again(
    log: str,
) -> None:
    sequencer._integrate(log)
    point = transaction.savepoint()
    sequencer._sign_head(log, sequencer.log_signer())
    lost = Checkpoint.objects.get().note
    transaction.savepoint_rollback(point)

    sequencer.seal()

    # text and Ed25519 line; the ML-DSA line states its time
    assert Checkpoint.objects.get().note.splitlines()[:5] == lost.splitlines()[:5]


def test_an_entry_whose_bytes_changed_while_it_waited_is_not_sealed(log: str, keeper: User) -> None:
    (entry,) = some_entries(1, by=keeper)
    with connection.cursor() as cursor:
        drop_trigger(cursor, "audit_entry_no_update", "audit_entry")
    Entry.objects.filter(pk=entry.pk).update(body=b"{}")

    with pytest.raises(EntryAltered, match=str(entry.pk)):
        seal()

    assert not Leaf.objects.exists()


def test_an_entry_that_was_removed_while_it_waited_stops_the_sealing(
    log: str, keeper: User
) -> None:
    (entry,) = some_entries(1, by=keeper)
    with connection.cursor() as cursor:
        drop_trigger(cursor, "audit_entry_no_delete", "audit_entry")
    Entry.objects.filter(pk=entry.pk)._raw_delete("default")

    with pytest.raises(EntryAltered, match=f"{entry.pk} was removed"):
        seal()

    assert not Leaf.objects.exists()


def test_a_pass_ends_with_the_batch_that_took_all_that_waited(log: str, keeper: User) -> None:
    batches: list[int] = []

    def meanwhile(sealed: int) -> None:
        batches.append(sealed)
        if len(batches) < 5:
            some_entries(1, by=keeper)

    some_entries(3, by=keeper)
    seal(on_batch=meanwhile)

    assert batches == [5]
    assert Outbox.objects.count() == 1


def test_a_pass_goes_on_while_batches_are_full(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "BATCH", 4)
    batches: list[int] = []
    some_entries(7, by=keeper)

    seal(on_batch=batches.append)

    assert batches == [4, 4, 1]
    assert Checkpoint.objects.order_by("-size").first().size == 9


def test_a_head_that_moved_meanwhile_rolls_the_batch_back(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal()
    stale = sequencer._head(log)
    some_entries(1, by=keeper)
    seal()
    some_entries(1, by=keeper)
    monkeypatch.setattr(sequencer, "_head", lambda origin: stale)

    with pytest.raises(HeadMoved), transaction.atomic():
        sequencer._move_head(stale, 99, bytes(32))

    assert Head.objects.get().size == 3


def test_an_older_database_is_not_sealed_again(log: str, keeper: User) -> None:
    seal()
    backup = transaction.savepoint()
    some_entries(3, by=keeper)
    seal()
    transaction.savepoint_rollback(backup)

    some_entries(2, by=keeper)
    with pytest.raises(TreeShrank, match="older database"):
        seal()

    assert Leaf.objects.count() == 2


def test_an_older_database_that_outgrew_what_was_signed_is_refused_by_the_signer(
    log: str, keeper: User
) -> None:
    seal()
    backup = transaction.savepoint()
    some_entries(3, by=keeper)
    seal()
    transaction.savepoint_rollback(backup)

    some_entries(5, by=keeper)
    sequencer._integrate(log)
    with pytest.raises(TreeRewritten):
        sequencer._sign_head(log, sequencer.log_signer())

    assert not Checkpoint.objects.filter(size__gt=2).exists()


def drop_trigger(cursor, name: str, table: str) -> None:
    cursor.execute(
        f"DROP TRIGGER {name}"
        if connection.vendor == "sqlite"
        else f"DROP TRIGGER {name} ON {table}"
    )

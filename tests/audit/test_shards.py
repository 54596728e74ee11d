"""A year ends: its shard is closed, the next names it, and nothing is lost or written between them."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit import keys, sequencer, shards
from audit.action import insert_entries
from audit.actions.heartbeats import write_heartbeat
from audit.actions.shards import close_shard
from audit.entries import parse
from audit.errors import ShardIsClosed
from audit.merkle import tree_root
from audit.models import Entry, Leaf, ShardClose
from audit.notes import open_note, parse_vkey
from audit.proofs import proof_for
from audit.queries import newest_checkpoint, origins
from audit.tiles import parse_checkpoint, split_tile
from audit.verification import verify_log
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG

NEXT = "credence.test/own/2027"


def public(entry: Entry) -> dict:
    return parse(bytes(entry.body))["public"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), None),
        (datetime(2027, 1, 1, 0, 5, tzinfo=UTC), None),
        (datetime(2027, 1, 1, 0, 6, tzinfo=UTC), "x/log/2027"),
        (datetime(2029, 3, 1, tzinfo=UTC), "x/log/2029"),
    ],
)
def test_a_shard_is_due_once_its_year_is_over_and_its_last_hour_was_reconciled(
    now: datetime, expected: str | None
) -> None:
    assert shards.next_origin("x/log/2026", now) == expected


def test_a_shard_without_a_year_in_its_name_ends_only_when_somebody_says_so() -> None:
    assert shards.next_origin("x/log", datetime(2999, 1, 1, tzinfo=UTC)) is None


def test_the_close_is_the_last_entry_and_the_next_shard_names_what_it_followed(
    log: str, keeper: User
) -> None:
    some_entries(3, by=keeper)

    assert shards.roll(log, NEXT, by=keeper)

    last = Leaf.objects.filter(origin=log).order_by("-index").first()
    assert last is not None
    assert last.entry.event == "audit.shard.closed"
    assert public(last.entry) == {"next_origin": NEXT}
    final = newest_checkpoint(log)
    opened = Leaf.objects.get(origin=NEXT, index=0).entry
    assert final.size == last.index + 1
    assert public(opened)["previous"] == {
        "origin": log,
        "size": final.size,
        "root": final.root.hex(),
        "checkpoint_sha256": hashlib.sha256(final.note.encode()).hexdigest(),
    }
    assert Leaf.objects.get(origin=NEXT, index=1).entry.event == "audit.producer_key.introduced"
    assert newest_checkpoint(NEXT).size == 2
    assert keys.current_origin() == NEXT
    assert origins() == [log, NEXT]


def test_acts_go_on_in_the_next_shard_and_both_verify(log: str, keeper: User) -> None:
    [before] = some_entries(1, by=keeper)
    shards.roll(log, NEXT, by=keeper)

    [after] = some_entries(1, by=keeper)
    sequencer.seal()

    assert (before.origin, after.origin) == (log, NEXT)
    assert newest_checkpoint(log).note in proof_for(before.pk)
    assert newest_checkpoint(NEXT).note in proof_for(after.pk)
    found = verify_log(by=keeper)
    assert found.problems == []
    assert f"tree of {log}" in [name for name, _, _ in found.checks]


def test_an_act_between_the_shards_is_refused_and_succeeds_with_the_new_key(
    log: str, keeper: User
) -> None:
    sequencer.seal()
    shards.begin(log, NEXT, by=keeper)
    before = Entry.objects.count()

    with pytest.raises(ShardIsClosed) as refused:
        write_heartbeat(by=keeper)

    assert refused.value.status == 503
    assert Entry.objects.count() == before
    shards.roll(log, NEXT, by=keeper)
    assert write_heartbeat(by=keeper).origin == NEXT


def test_an_entry_signed_for_the_old_shard_before_the_roll_cannot_be_inserted_after_it(
    log: str, keeper: User
) -> None:
    [late] = some_entries(1, by=keeper)
    shards.roll(log, NEXT, by=keeper)

    late.pk = late.id = type(late)._meta.pk.get_default()
    with pytest.raises(DatabaseError, match="the shard is closed"), transaction.atomic():
        insert_entries([late])


def test_a_shard_is_closed_once(log: str, keeper: User) -> None:
    sequencer.seal()
    shards.begin(log, NEXT, by=keeper)

    again = shards.begin(log, "credence.test/own/other", by=keeper)

    assert again.next_origin == NEXT
    assert ShardClose.objects.count() == 1


def test_a_shard_whose_end_cannot_be_published_stays_open(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "publish", lambda origin: None)  # its witnesses do not answer

    with pytest.raises(shards.NotReadyToClose):
        shards.roll(log, NEXT, by=keeper)

    assert not ShardClose.objects.exists()
    assert keys.current_origin() == log


def test_the_sequencer_goes_on_with_a_roll_that_was_begun_though_the_year_is_not_over(
    log: str, keeper: User
) -> None:
    sequencer.seal()
    shards.begin(log, NEXT, by=keeper)

    assert shards.roll_if_due(by=keeper) == NEXT


def test_nothing_is_rolled_while_the_year_lasts(log: str, keeper: User) -> None:
    year = f"{datetime.now(UTC):%Y}"
    assert log.endswith(year) or log == LOG

    if log.endswith(year):
        assert shards.roll_if_due(by=keeper) is None


def test_someone_without_the_permission_closes_nothing(log: str, auditor: User) -> None:
    from audit.errors import NotPermitted

    with pytest.raises(NotPermitted):
        close_shard(log, NEXT, by=auditor)

    assert not ShardClose.objects.exists()


def test_the_command_says_what_it_would_do_and_does_it(
    log: str, keeper: User, capsys: pytest.CaptureFixture[str]
) -> None:
    sequencer.seal()
    call_command("roll_shard", "--as", "keeper", "--next", NEXT, "--dry-run")
    assert "Would close" in capsys.readouterr().out
    assert keys.current_origin() == log

    call_command("roll_shard", "--as", "keeper", "--next", NEXT)

    assert f"{NEXT} is written now" in capsys.readouterr().out.replace("\n", " ")


def test_the_command_refuses_a_name_that_was_used(log: str, keeper: User) -> None:
    with pytest.raises(CommandError, match="is a shard already"):
        call_command("roll_shard", "--as", "keeper", "--next", log)


def test_the_row_of_a_close_never_changes(log: str, keeper: User) -> None:
    shards.roll(log, NEXT, by=keeper)

    for statement in (
        "DELETE FROM audit_shardclose",
        "UPDATE audit_shardclose SET next_origin = 'x'",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_a_closed_shard_is_served_beside_the_one_that_is_written(
    log: str, keeper: User, signed_in: Callable[[User], Client], auditor: User
) -> None:
    some_entries(3, by=keeper)
    shards.roll(log, NEXT, by=keeper)
    client = signed_in(auditor)

    listed = client.get("/api/v1/log/shards").json()

    assert [(one["origin"], one["is_open"]) for one in listed] == [(log, False), (NEXT, True)]
    closed = listed[0]
    note = client.get(closed["checkpoint"], headers={"Accept": "text/plain"}).content
    final = parse_checkpoint(open_note(note, [parse_vkey(keys.log_vkey(log))]).text)
    assert (final.origin, final.size) == (log, closed["size"])
    tile = client.get(f"/api/v1/log/shards/{closed['name']}/tile/0/000.p/{final.size}").content
    assert tree_root(split_tile(tile)) == final.root
    missing = client.get("/api/v1/log/shards/1999/checkpoint")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/no-such-shard")

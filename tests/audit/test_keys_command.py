"""Opening a log from the command line."""

import stat
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit import keyring, keys
from audit.models import Checkpoint, Entry, Leaf


def test_init_makes_keys_that_only_their_owner_reads_and_seals_the_first_entries(
    own_folders: Path, db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("keys", "init")

    files = [path for path in (own_folders / "keys").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(p.stat().st_mode) for p in files if p.suffix != ".lock"} == {0o600}
    entries = [leaf.entry for leaf in Leaf.objects.order_by("index")]
    assert [e.event for e in entries] == ["audit.shard.opened", "audit.producer_key.introduced"]
    assert {e.actor_name for e in entries} == {"cli"}
    assert Checkpoint.objects.get().size == 2
    assert keys.log_vkey() in capsys.readouterr().out


def test_keys_are_never_made_twice(own_folders: Path, db: None) -> None:
    call_command("keys", "init")
    before = keys.log_vkey()

    with pytest.raises(CommandError, match="never overwritten"):
        call_command("keys", "init")

    assert keys.log_vkey() == before
    assert Entry.objects.order_by("-pk")[0].event == "audit.action_refused"


def test_list_names_the_log_key_and_every_delegation(
    own_folders: Path, db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("keys", "init", origin="bank.example/log/2031")
    capsys.readouterr()

    call_command("keys", "list")

    shown = "".join(capsys.readouterr().out.split())
    assert keys.log_vkey() in shown
    assert keys.fingerprint(keys.log_vkey()) in shown


def test_who_may_not_manage_keys_makes_none(own_folders: Path, lending: User) -> None:
    with pytest.raises(CommandError):
        call_command("keys", "init", acting_user="lending")

    assert not list((own_folders).rglob("*.key"))


def test_without_keys_nothing_is_sealed_and_the_command_says_what_to_do(
    own_folders: Path, db: None
) -> None:
    with pytest.raises(CommandError, match="keys init"):
        call_command("seal")


def test_a_producer_key_is_rotated_by_default_and_every_step_is_told(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = keys.producer().key_id

    call_command("keys", "rotate")

    said = capsys.readouterr().out
    assert keys.producer().key_id != before
    assert [word in said for word in ("made", "recorded", "in use")] == [True] * 3


def test_a_log_key_is_rotated_and_its_line_for_policies_is_shown(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("keys", "rotate", key="log", overlap=3)

    assert f"log {keys.log_vkey()}" in capsys.readouterr().out
    assert len(keys.log_signers()) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rotate"], "in the place of"),
        (["rotate", "--key", "log"], "10,000 more checkpoints"),
        (["rotate", "--key", "log-ml-dsa", "--to", "kms:arn"], "kms:arn"),
        (["lose", "--key", "log", "--reason", "stolen"], "cannot be undone"),
        (["lose", "--key", "producer", "--reason", "stolen"], "are void"),
        (["retire", "--key", "log"], "no larger checkpoint"),
        (["init", "--origin", "another.example/log"], "Would open"),
    ],
)
def test_a_dry_run_tells_the_consequence_and_changes_nothing(
    log: str,
    own_folders: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    says: str,
) -> None:
    def state() -> dict[str, bytes]:
        files = [path for path in (own_folders / "keys").rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in files}

    before, count = state(), Entry.objects.count()

    call_command("keys", *words, "--dry-run")

    assert says in " ".join(capsys.readouterr().out.split())
    assert (state(), Entry.objects.count()) == (before, count)


def test_a_lost_log_key_is_ended_and_the_producer_gets_a_new_delegation(
    log: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, producer = keys.log_vkey(), keys.producer().key_id

    call_command("keys", "lose", key="log", reason="stolen")

    assert keys.log_vkey() != lost
    assert f"log {keys.log_vkey()}" in capsys.readouterr().out
    assert keys.producer().key_id != producer
    keys.parse_delegation(keys.producer().delegation.note, keys.log_vkey())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["lose", "--key", "log"], "--reason"),
        (["lose", "--reason", "stolen"], "--key"),
        (["retire"], "--key"),
        (["retire", "--key", "log"], "only Ed25519 key"),
        (["retire", "--key", "producer"], "signs entries now"),
        (["retire", "--key", "nobody+00000000"], "no log key that signs"),
        (["rotate", "--key", "nobody+00000000"], "producer, log or log-ml-dsa"),
        (["rotate", "--key", "log", "--overlap", "-1"], "0 or more"),
        (["rotate", "--key", "log", "--to", "log.key"], "no address"),
        (["rotate", "--wait", "0"], "run this again"),
    ],
)
def test_what_cannot_be_done_is_told(log: str, words: list[str], says: str) -> None:
    before = keys.log_vkey(), keys.producer().key_id

    with pytest.raises(CommandError, match=says):
        call_command("keys", *words)

    assert (keys.log_vkey(), keys.producer().key_id) == before


def test_list_shows_what_became_of_every_key(
    log: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    replaced, old_log = keys.producer().key_id, keyring.public_id(keys.log_vkey())
    call_command("keys", "rotate")
    call_command("keys", "retire", key=replaced, reason="audit")
    call_command("keys", "rotate", key="log")
    call_command("keys", "retire", key=old_log)
    capsys.readouterr()

    call_command("keys", "list")

    rows = [row for row in capsys.readouterr().out.splitlines() if "│" in row]
    assert [row for row in rows if replaced in row and "retired" in row]
    assert [row for row in rows if old_log in row and "retired, up to size" in row]
    assert [row for row in rows if keys.producer().key_id in row and "in use" in row]
    introduced = Entry.objects.filter(event="audit.producer_key.introduced")
    assert all(any(str(entry.pk) in row for row in rows) for entry in introduced)

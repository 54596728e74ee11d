"""Opening a log from the command line."""

import stat
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit import keys
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

"""Timestamping what was published: kept where it holds, recorded either way."""

import zipfile
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from audit import verify
from audit.entries import parse
from audit.errors import NotPermitted
from audit.export import build_bundle
from audit.models import Entry, TimestampToken
from audit.queries import NothingSealed, newest_checkpoint
from audit.scope import Scope
from audit.sequencer import seal
from audit.tasks import timestamp
from audit.timestamps.authority import TimestampFailed, read_roots, verify_timestamp
from audit.timestamps.passes import NoAuthority, timestamp_pass
from audit.verification import verify_log
from tests.audit.acts import some_entries
from tests.audit.timestamps.conftest import Authority


@pytest.fixture
def asked(authority: Authority, settings: LazySettings) -> Authority:
    settings.CREDENCE_TSA_URL, settings.CREDENCE_TSA_ROOTS = authority.url, authority.roots
    return authority


def test_the_published_note_is_timestamped_and_the_log_says_so(
    log: str, keeper: User, asked: Authority
) -> None:
    seal()

    token = timestamp_pass(log, by=keeper)

    note = newest_checkpoint(log).note.encode()
    roots = read_roots(asked.roots.read_bytes())
    assert verify_timestamp(bytes(token.response), note, roots) == token.stamped_at
    said = parse(bytes(Entry.objects.get(event="audit.checkpoint.timestamped").body))["public"]
    assert (said["size"], said["authority"]) == (2, asked.url)
    assert token.entry.event == "audit.checkpoint.timestamped"


def test_a_checkpoint_is_timestamped_once(log: str, keeper: User, asked: Authority) -> None:
    seal()
    first = timestamp_pass(log, by=keeper)

    assert timestamp_pass(log, by=keeper) == first

    assert asked.asked == 1
    seal()
    assert timestamp_pass(log, by=keeper).publication.size == 3


def test_a_token_that_cannot_be_relied_on_is_not_kept_and_the_failure_is(
    log: str, keeper: User, asked: Authority
) -> None:
    seal()
    asked.spoil = lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]

    with pytest.raises(TimestampFailed):
        timestamp_pass(log, by=keeper)

    assert not TimestampToken.objects.exists()
    said = parse(bytes(Entry.objects.get(event="audit.checkpoint.timestamp_failed").body))
    assert "cannot be relied on" in said["public"]["reason"]


def test_a_token_never_changes(log: str, keeper: User, asked: Authority) -> None:
    seal()
    timestamp_pass(log, by=keeper)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TimestampToken.objects.update(response=b"")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TimestampToken.objects.all().delete()


def test_without_an_authority_there_are_no_timestamps_and_the_task_has_nothing_to_do(
    log: str, keeper: User
) -> None:
    seal()

    with pytest.raises(NoAuthority, match="CREDENCE_TSA_URL"):
        timestamp_pass(log, by=keeper)
    timestamp()

    assert not TimestampToken.objects.exists()


def test_an_authority_without_roots_is_not_believed(
    log: str, keeper: User, asked: Authority, settings: LazySettings
) -> None:
    seal()
    settings.CREDENCE_TSA_ROOTS = None

    with pytest.raises(TimestampFailed, match="CREDENCE_TSA_ROOTS"):
        timestamp_pass(log, by=keeper)


def test_only_what_was_published_can_be_timestamped(
    log: str, keeper: User, asked: Authority
) -> None:
    with pytest.raises(NothingSealed):
        timestamp_pass(log, by=keeper)


def test_who_may_not_have_timestamps_gets_none(log: str, developer: User, asked: Authority) -> None:
    seal()

    with pytest.raises(NotPermitted):
        timestamp_pass(log, by=developer)

    assert asked.asked == 0


def test_the_schedule_has_the_newest_checkpoint_timestamped(log: str, asked: Authority) -> None:
    seal()

    timestamp()

    token = TimestampToken.objects.get()
    assert token.entry.actor_name == "archiver"


def test_the_schedule_records_a_failure_and_goes_on(log: str, asked: Authority) -> None:
    seal()
    asked.status = 500

    timestamp()

    assert Entry.objects.filter(event="audit.checkpoint.timestamp_failed").count() == 1


def test_the_command_says_when_the_checkpoint_existed(
    log: str, asked: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    seal()

    call_command("timestamp")

    assert "at 2 entries existed at" in capsys.readouterr().out.replace("\n", " ")
    asked.status = 500
    some_entries(1, by=User.objects.get(username="keeper"))
    seal()
    with pytest.raises(CommandError, match="answered 500"):
        call_command("timestamp")


def test_a_log_with_timestamps_verifies(log: str, keeper: User, asked: Authority) -> None:
    seal()
    timestamp_pass(log, by=keeper)
    seal()

    assert verify_log(by=keeper).problems == []


def test_a_bundle_holds_the_tokens_and_the_verifier_says_what_they_show(
    log: str, keeper: User, asked: Authority, tmp_path: Path
) -> None:
    seal()
    timestamp_pass(log, by=keeper)
    some_entries(300, by=keeper)
    seal()
    timestamp_pass(log, by=keeper)
    scope = Scope().as_json() | {"disclose": False}

    built = build_bundle(tmp_path / "bundle.zip", scope, lambda *_: None)

    assert built.tree_size == 303
    report = verify.verify(tmp_path / "bundle.zip", tsa_root=asked.roots)
    assert [str(p) for check in report.checks for p in check.problems] == []
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        tokens = [name for name in bundle.namelist() if name.endswith(".tsr")]
        assert bundle.read("trust/tsa.pem") == asked.roots.read_bytes()
    assert [int(name[-24:-4]) for name in tokens] == [2, 303]

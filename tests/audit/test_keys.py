"""What a process signs with: within its dates, and always the newest."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audit import key_making, keyring, keys
from audit.errors import BadSignature, KeyMissing
from audit.keys import ProducerKeyExpired
from audit.models import Entry
from audit.signing.errors import SignerUnavailable
from tests.audit.acts import some_entries

At = Callable[[datetime], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Moves the clock by which keys are judged."""
    return lambda moment: monkeypatch.setattr("audit.keys.timezone.now", lambda: moment)


def test_a_producer_key_signs_until_shortly_before_its_end(log: str, keeper: User, at: At) -> None:
    end = keys.producer().delegation.not_after

    at(end - keys.MARGIN - timedelta(seconds=1))
    some_entries(1, by=keeper)

    at(end - keys.MARGIN)
    with pytest.raises(ProducerKeyExpired, match="keys rotate --key producer"):
        some_entries(1, by=keeper)


def test_a_producer_key_does_not_sign_before_its_beginning(log: str, keeper: User, at: At) -> None:
    at(keys.producer().delegation.not_before - timedelta(seconds=1))

    with pytest.raises(ProducerKeyExpired):
        some_entries(1, by=keeper)


def test_an_act_under_an_expired_key_changes_nothing_and_records_nothing(
    log: str, keeper: User, at: At
) -> None:
    count, end = Entry.objects.count(), keys.producer().delegation.not_after
    at(end)

    with pytest.raises(ProducerKeyExpired) as refusal:
        some_entries(3, by=keeper)

    assert refusal.value.status == 503
    assert Entry.objects.count() == count


def test_neither_receipts_nor_artefacts_are_signed_by_an_expired_key(log: str, at: At) -> None:
    at(keys.producer().delegation.not_after)

    with pytest.raises(ProducerKeyExpired):
        keys.sign("credence-artefact/v1", b"bytes")


def test_what_an_expired_key_signed_still_verifies(log: str, at: At) -> None:
    signature = keys.sign("credence-artefact/v1", b"bytes")
    at(keys.producer().delegation.not_after + timedelta(days=3000))

    keys.verify_signature("credence-artefact/v1", b"bytes", signature.key_id, signature.value)
    with pytest.raises(BadSignature):
        keys.verify_signature("credence-artefact/v1", b"other", signature.key_id, signature.value)


def test_a_process_takes_up_a_new_producer_key_by_itself(log: str) -> None:
    before = keys.producer().key_id

    key_making.install_producer(key_making.prepare_producer(log, timezone.now()))

    assert keys.producer().key_id != before


def test_looking_for_a_new_key_reads_nothing_while_there_is_none(
    log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.producer()
    read: list[object] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path))
    monkeypatch.setattr(Path, "read_text", lambda path: read.append(path))

    keys.producer()

    assert read == []


def test_the_last_week_is_warned_of(log: str, at: At) -> None:
    end = keys.producer().delegation.not_after
    assert keys.expiry_warning() is None

    at(end - timedelta(days=6))

    assert "keys rotate" in str(keys.expiry_warning())
    assert 0 < keys.producer_seconds_left() < timedelta(days=6).total_seconds()
    at(end)
    assert keys.producer_seconds_left() < 0


def test_a_log_key_file_with_another_key_in_it_signs_nothing(log: str, own_folders: Path) -> None:
    folder = own_folders / "keys"
    os.replace(folder / "producer.key", folder / "log.key")

    with pytest.raises(SignerUnavailable, match="replaced"):
        keys.log_key(log)


def test_a_ring_that_cannot_be_read_is_named(log: str, own_folders: Path) -> None:
    (own_folders / "keys" / keyring.FILE).write_text("{}")

    with pytest.raises(KeyMissing, match=r"log\.json"):
        keys.producer()


def test_a_delegation_by_a_stranger_is_not_believed(log: str, own_folders: Path) -> None:
    (note,) = (own_folders / "keys" / "delegations").glob("*.note")
    text = note.read_text()
    stranger = keys.log_vkey().replace("+", "+0", 1)

    with pytest.raises(BadSignature):
        keys.parse_delegation(text, stranger)
    with pytest.raises(BadSignature):
        keys.parse_delegation(text.replace(log, "other.example/log"), keys.log_vkey())

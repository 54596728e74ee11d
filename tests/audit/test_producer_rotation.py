"""A producer key is replaced in steps that each leave a working installation."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audit import key_making, keyring, keys, producer_rotation
from audit.entries import parse
from audit.events import Event
from audit.models import Entry
from audit.producer_rotation import NoSuchKey, StillInUse
from audit.sequencer import NotYetSealed, seal
from audit.verification import verify_log
from tests.audit.acts import some_entries


def quiet(text: str) -> None:
    """Nobody is watching."""


def rotate(by: User) -> keys.Delegation:
    return producer_rotation.rotate(by=by, seconds=30, on_step=quiet)


def test_a_new_key_is_used_only_after_a_published_checkpoint_covers_its_entry(
    log: str, keeper: User
) -> None:
    seal()
    before = keys.producer().key_id

    assert producer_rotation.advance(by=keeper, on_step=quiet) is None

    assert keys.producer().key_id == before
    assert Entry.objects.filter(event=Event.PRODUCER_KEY_INTRODUCED).count() == 2
    assert producer_rotation.advance(by=keeper, on_step=quiet) is None  # nothing is sealed yet
    seal()
    new = producer_rotation.advance(by=keeper, on_step=quiet)
    assert new is not None
    assert keys.producer().key_id == keyring.public_id(new.producer) != before
    assert Entry.objects.filter(event=Event.PRODUCER_KEY_INTRODUCED).count() == 2


def test_the_log_holds_when_the_key_was_replaced_between_entries(log: str, keeper: User) -> None:
    some_entries(2, by=keeper)
    rotate(keeper)
    some_entries(2, by=keeper)
    seal()

    producers = {
        parse(bytes(body))["producer"] for body in Entry.objects.values_list("body", flat=True)
    }
    assert len(producers) == 3  # the log key and both producer keys
    assert verify_log(by=keeper).problems == []


def test_what_the_old_key_signed_verifies_for_ever(log: str, keeper: User) -> None:
    signature = keys.sign("credence-artefact/v1", b"bytes")

    rotate(keeper)

    keys.verify_signature("credence-artefact/v1", b"bytes", signature.key_id, signature.value)


def test_without_a_covering_checkpoint_in_time_the_old_key_stays_and_the_next_run_goes_on(
    log: str, keeper: User
) -> None:
    before = keys.producer().key_id

    with pytest.raises(NotYetSealed, match="run this again"):
        producer_rotation.rotate(by=keeper, seconds=0, on_step=quiet)

    assert keys.producer().key_id == before
    rotate(keeper)
    assert keys.producer().key_id != before
    assert Entry.objects.filter(event=Event.PRODUCER_KEY_INTRODUCED).count() == 2


def test_who_may_not_manage_keys_replaces_none(log: str, lending: User) -> None:
    before = keys.producer().key_id

    with pytest.raises(Exception, match="renew_keys"):
        rotate(lending)

    assert keys.producer().key_id == before
    assert Entry.objects.order_by("-pk")[0].event == Event.ACTION_REFUSED


def test_the_key_in_use_is_not_retired(log: str, keeper: User) -> None:
    with pytest.raises(StillInUse):
        producer_rotation.retire(keys.producer().key_id, "retired", by=keeper)

    assert not Entry.objects.filter(event=Event.PRODUCER_KEY_RETIRED).exists()


def test_a_key_that_never_was_is_not_retired(log: str, keeper: User) -> None:
    with pytest.raises(NoSuchKey):
        producer_rotation.retire("nobody+00000000", "retired", by=keeper)


def test_a_replaced_key_is_retired_by_an_entry_of_the_log_key_and_only_once(
    log: str, keeper: User
) -> None:
    before = keys.producer().key_id
    rotate(keeper)

    producer_rotation.retire(before, "retired", by=keeper)
    producer_rotation.retire(before, "retired", by=keeper)

    entry = parse(bytes(Entry.objects.get(event=Event.PRODUCER_KEY_RETIRED).body))
    assert entry["producer"] == keyring.public_id(keys.log_vkey())
    assert keyring.public_id(entry["public"]["vkey"]) == before
    assert set(entry["public"]) == {"vkey", "reason", "last_entry_before"}
    seal()
    assert verify_log(by=keeper).problems == []


def test_a_retired_key_that_somebody_brings_back_signs_nothing(
    log: str, keeper: User, own_folders: Path
) -> None:
    file = own_folders / "keys" / "producer.key"
    old_bytes, before = file.read_bytes(), keys.producer().key_id
    rotate(keeper)
    producer_rotation.retire(before, "retired", by=keeper)
    count = Entry.objects.count()

    file.unlink()
    file.write_bytes(old_bytes)

    with pytest.raises(keys.ProducerKeyExpired, match="retired"):
        some_entries(1, by=keeper)
    assert Entry.objects.count() == count


def test_a_lost_key_is_replaced_and_then_ended_at_once(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.producer_rotation.IN_FLIGHT_SECONDS", 0)
    before = keys.producer().key_id

    producer_rotation.lose(before, "a laptop was stolen", by=keeper, seconds=30, on_step=quiet)

    assert keys.producer().key_id != before
    public = parse(bytes(Entry.objects.get(event=Event.PRODUCER_KEY_RETIRED).body))["public"]
    assert public["reason"] == "a laptop was stolen"


def test_renewal_is_due_when_a_third_of_the_time_is_left(log: str) -> None:
    delegation = keys.producer().delegation
    third = (delegation.not_after - delegation.not_before) / 3

    assert not producer_rotation.renewal_is_due(timezone.now())
    assert not producer_rotation.renewal_is_due(delegation.not_after - third - timedelta(hours=1))
    assert producer_rotation.renewal_is_due(delegation.not_after - third + timedelta(hours=1))


def test_a_renewal_that_was_begun_is_due(log: str) -> None:
    key_making.prepare_producer(log, timezone.now())

    assert producer_rotation.renewal_is_due(timezone.now())


def test_a_replaced_key_is_due_for_retirement_a_day_later(log: str, keeper: User) -> None:
    before, now = keys.producer().key_id, timezone.now()
    rotate(keeper)

    assert producer_rotation.due_for_retirement(log, now + timedelta(hours=23)) == []
    assert producer_rotation.due_for_retirement(log, now + timedelta(hours=25)) == [before]
    assert producer_rotation.due_for_retirement("another/log", now + timedelta(hours=25)) == []

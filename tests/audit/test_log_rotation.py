"""Log keys: one beside another, and their end."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from audit import keyring, keys, log_rotation, producer_rotation, trust, verify
from audit.entries import parse
from audit.events import Event
from audit.export import build_bundle
from audit.keyring import KeyState
from audit.log_rotation import LastLogKey, RotationUnderWay
from audit.models import Checkpoint, Entry
from audit.notes import ED25519, ML_DSA_44, open_note, parse_vkey
from audit.producer_rotation import NoSuchKey
from audit.scope import Scope
from audit.sequencer import NotYetSealed, seal
from audit.upkeep import upkeep
from audit.verification import verify_log
from tests.audit.acts import some_entries

KINDS = [ED25519, ML_DSA_44]


def quiet(text: str) -> None:
    """Nobody is watching."""


def rotate(by: User, kind: int = ED25519, overlap: int = 2) -> keyring.LogKey:
    return log_rotation.rotate(kind, None, overlap, by=by, seconds=30, on_step=quiet)


def newest(log: str, kind: int) -> keyring.LogKey:
    key = keyring.read(keys.folder()).newest(log, kind)
    assert key is not None
    return key


def signers_of_newest_checkpoint(log: str) -> list[str]:
    """The vkeys whose signature stands, and is good, on the newest checkpoint."""
    note = Checkpoint.objects.filter(origin=log)[0].note
    ring = keyring.read(keys.folder())
    opened = open_note(note, [parse_vkey(key.vkey) for key in ring.log_keys])
    good = {(signature.name, signature.key_id) for signature in opened.signatures}
    return [key.vkey for key in ring.log_keys if (key.origin, parse_vkey(key.vkey).key_id) in good]


def public_of(event: Event) -> dict[str, object]:
    found: dict[str, object] = parse(bytes(Entry.objects.get(event=event).body))["public"]
    return found


def checkpoints(count: int, by: User) -> None:
    for _ in range(count):
        some_entries(1, by=by)
        seal()


def bundle_report(tmp_path: Path, policy: str | None) -> verify.Report:
    path = tmp_path / "bundle.zip"
    build_bundle(path, Scope().as_json() | {"disclose": False}, lambda *_: None)
    return verify.verify_files(verify.open_bundle(path), str(path), policy)


@pytest.mark.parametrize("kind", KINDS)
def test_old_and_new_key_sign_together_until_the_overlap_is_over(
    log: str, keeper: User, kind: int
) -> None:
    seal()
    old = newest(log, kind)

    new = rotate(keeper, kind)

    checkpoints(1, keeper)
    assert {old.vkey, new.vkey} < set(signers_of_newest_checkpoint(log))
    upkeep(by=keeper, on_step=quiet)
    assert log_rotation.overlap_left(old) == 1
    checkpoints(1, keeper)
    upkeep(by=keeper, on_step=quiet)
    checkpoints(1, keeper)
    assert old.vkey not in signers_of_newest_checkpoint(log)
    assert new.vkey in signers_of_newest_checkpoint(log)
    retired = keyring.read(keys.folder()).named(old.key_id)
    assert retired is not None
    assert retired.state is KeyState.RETIRED
    assert public_of(Event.LOG_KEY_RETIRED) == {
        "vkey": old.vkey, "reason": "rotated", "ends_at_size": retired.ends_at_size
    }  # fmt: skip
    assert verify_log(by=keeper).problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_note_of_a_rotation_leads_whoever_trusts_the_old_key_to_the_new_one(
    log: str, keeper: User, kind: int
) -> None:
    old = keys.log_vkey()

    new = rotate(keeper, kind)

    (note,) = trust.rotation_files().values()
    assert public_of(Event.LOG_KEY_INTRODUCED) == {
        "vkey": new.vkey if kind == ED25519 else None,  # an ML-DSA key's stands in the note
        "alg": "Ed25519" if kind == ED25519 else "ML-DSA-44",
        "since": new.since,
        "note": note,
    }
    assert open_note(note, [parse_vkey(old)]).text.splitlines() == [
        "credence-log-key/v1", log, new.vkey, new.since
    ]  # fmt: skip
    if kind == ED25519:
        assert len(open_note(note, [parse_vkey(old), parse_vkey(new.vkey)]).signatures) == 2


def test_the_entry_that_introduces_a_log_key_is_signed_by_the_old_one(
    log: str, keeper: User
) -> None:
    old = keyring.public_id(keys.log_vkey())

    new = rotate(keeper)

    assert parse(bytes(Entry.objects.get(event=Event.LOG_KEY_INTRODUCED).body))["producer"] == old
    assert keyring.public_id(keys.log_vkey()) == new.key_id


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_with_the_old_policy_verifies_the_log_after_a_rotation(
    log: str, keeper: User, kind: int, tmp_path: Path
) -> None:
    old_policy = trust.policy_text()
    rotate(keeper, kind, overlap=0)
    upkeep(by=keeper, on_step=quiet)
    producer_rotation.rotate(by=keeper, seconds=30, on_step=quiet)
    checkpoints(2, keeper)

    for policy in (old_policy, trust.policy_text(), None):
        report = bundle_report(tmp_path, policy)

        assert report.holds, report.as_text(color=False)


def test_a_key_that_is_not_covered_yet_signs_nothing(log: str, keeper: User) -> None:
    seal()
    with pytest.raises(NotYetSealed):
        log_rotation.rotate(ED25519, None, 2, by=keeper, seconds=0, on_step=quiet)

    assert len(keys.log_signers()) == 2
    assert trust.rotation_files() == {}
    checkpoints(1, keeper)
    assert len(signers_of_newest_checkpoint(log)) == 2


def test_a_rotation_that_was_interrupted_goes_on_with_the_same_key(log: str, keeper: User) -> None:
    with pytest.raises(NotYetSealed):
        log_rotation.rotate(ED25519, None, 2, by=keeper, seconds=0, on_step=quiet)
    prepared = keyring.read(keys.folder()).newest(log, ED25519, (KeyState.PREPARED,))

    new = rotate(keeper)

    assert prepared is not None
    assert new.vkey == prepared.vkey
    assert Entry.objects.filter(event=Event.LOG_KEY_INTRODUCED).count() == 1


def test_one_rotation_at_a_time(log: str, keeper: User) -> None:
    rotate(keeper, overlap=5)

    with pytest.raises(RotationUnderWay, match="keys retire"):
        rotate(keeper)


def test_an_overlap_is_ended_early_on_demand(log: str, keeper: User) -> None:
    old = newest(log, ED25519)
    rotate(keeper, overlap=1000)

    log_rotation.retire(old.key_id, "audit finding 7", by=keeper)

    assert public_of(Event.LOG_KEY_RETIRED)["reason"] == "audit finding 7"
    checkpoints(1, keeper)
    assert old.vkey not in signers_of_newest_checkpoint(log)


def test_the_only_ed25519_key_is_not_retired(log: str, keeper: User) -> None:
    with pytest.raises(LastLogKey):
        log_rotation.retire(newest(log, ED25519).key_id, "retired", by=keeper)

    assert len(keys.log_signers()) == 2


def test_a_log_can_do_without_ml_dsa(log: str, keeper: User) -> None:
    log_rotation.retire(newest(log, ML_DSA_44).key_id, "not wanted", by=keeper)
    checkpoints(1, keeper)

    assert signers_of_newest_checkpoint(log) == [keys.log_vkey()]
    assert verify_log(by=keeper).problems == []


def test_a_lost_log_key_is_followed_by_one_that_it_did_not_vouch_for(
    log: str, keeper: User, own_folders: Path
) -> None:
    seal()
    lost = newest(log, ED25519)
    (own_folders / "keys" / "log.key").unlink()

    new = log_rotation.lose(lost.key_id, None, "the disk burned", by=keeper)

    assert new is not None
    assert keys.log_vkey() == new.vkey
    assert public_of(Event.LOG_KEY_LOST) == {
        "vkey": lost.vkey, "ends_at_size": 2, "reason": "the disk burned"
    }  # fmt: skip
    for event in (Event.LOG_KEY_INTRODUCED, Event.LOG_KEY_LOST):
        assert parse(bytes(Entry.objects.get(event=event).body))["producer"] == new.key_id
    note = str(public_of(Event.LOG_KEY_INTRODUCED)["note"])
    opened = open_note(note, [parse_vkey(lost.vkey), parse_vkey(new.vkey)])
    assert [s.key_id for s in opened.signatures] == [parse_vkey(new.vkey).key_id]
    checkpoints(1, keeper)
    assert lost.vkey not in signers_of_newest_checkpoint(log)


def test_a_lost_key_is_in_no_policy(log: str, keeper: User) -> None:
    seal()
    lost = newest(log, ED25519)

    log_rotation.lose(lost.key_id, None, "stolen", by=keeper)

    assert lost.vkey not in trust.policy_text()
    assert keys.log_vkey() in trust.policy_text()


def test_after_a_loss_the_remaining_key_of_an_overlap_speaks(log: str, keeper: User) -> None:
    old, new = newest(log, ED25519), rotate(keeper, overlap=50)

    assert log_rotation.lose(old.key_id, None, "stolen", by=keeper) is None

    entry = parse(bytes(Entry.objects.get(event=Event.LOG_KEY_LOST).body))
    assert entry["producer"] == new.key_id
    checkpoints(1, keeper)
    assert old.vkey not in signers_of_newest_checkpoint(log)


def test_a_loss_that_was_interrupted_is_written_once(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal()
    lost = newest(log, ED25519)
    with monkeypatch.context() as crash:
        crash.setattr("audit.log_rotation._end", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            log_rotation.lose(lost.key_id, None, "stolen", by=keeper)

    log_rotation.lose(lost.key_id, None, "stolen", by=keeper)

    assert Entry.objects.filter(event=Event.LOG_KEY_LOST).count() == 1
    assert len(keyring.read(keys.folder()).log_keys) == 3


def test_a_key_that_does_not_sign_can_be_neither_lost_nor_retired(log: str, keeper: User) -> None:
    for end in (
        lambda: log_rotation.retire("nobody+00000000", "x", by=keeper),
        lambda: log_rotation.lose("nobody+00000000", None, "x", by=keeper),
    ):
        with pytest.raises(NoSuchKey):
            end()


def test_who_may_not_manage_keys_changes_nothing(log: str, lending: User) -> None:
    seal()

    with pytest.raises(Exception, match="manage_keys"):
        rotate(lending)
    with pytest.raises(Exception, match="manage_keys"):
        log_rotation.lose(newest(log, ED25519).key_id, None, "x", by=lending)

    assert len(keys.log_signers()) == 2
    refused = Entry.objects.filter(event=Event.ACTION_REFUSED)
    attempted = [json.loads(bytes(e.body))["public"]["attempted"] for e in refused.order_by("pk")]
    assert attempted == [Event.LOG_KEY_INTRODUCED, Event.LOG_KEY_LOST]


def test_new_keys_lie_in_files_with_the_next_number(log: str, keeper: User) -> None:
    rotate(keeper, overlap=0)
    upkeep(by=keeper, on_step=quiet)
    rotate(keeper, ML_DSA_44, overlap=0)

    addresses = [key.address for key in keyring.read(keys.folder()).log_keys]
    assert addresses[2:] == ["file:log-2.key", "file:log-ml-dsa-2.key?algorithm=ML-DSA-44"]


def test_after_a_loss_the_log_still_verifies_under_the_new_key(
    log: str, keeper: User, tmp_path: Path
) -> None:
    seal()
    old_policy = trust.policy_text()
    log_rotation.lose(newest(log, ED25519).key_id, None, "stolen", by=keeper)
    producer_rotation.rotate(by=keeper, seconds=30, on_step=quiet)
    checkpoints(2, keeper)

    assert verify_log(by=keeper).problems == []
    report = bundle_report(tmp_path, trust.policy_text())
    assert report.holds, report.as_text(color=False)
    assert not bundle_report(tmp_path, old_policy).holds

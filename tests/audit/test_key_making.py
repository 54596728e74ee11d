"""Keys of a new log, of its next shard, and producer keys that wait for their turn."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from audit import key_making, keyring, keys
from audit.errors import KeyMissing
from audit.key_making import KeysExist, NoEd25519Key, make_keys, make_shard, switch_shard
from audit.keyring import KeyState
from audit.merkle import EMPTY_ROOT
from audit.notes import ED25519, ML_DSA_44, parse_vkey
from audit.signer import log_signer

NOW = datetime.now(UTC)
OLD, NEW = "bank.test/log/2031", "bank.test/log/2032"


@pytest.fixture
def made(own_folders: Path) -> Path:
    make_keys(OLD, NOW)
    log_signer(OLD).begin()
    return own_folders / "keys"


def test_a_new_log_has_a_key_of_each_algorithm_and_only_their_owner_reads_them(made: Path) -> None:
    kinds = [key.kind for key in keyring.read(made).keys_of(OLD)]

    assert kinds == [ED25519, ML_DSA_44]
    assert {parse_vkey(vkey).name for vkey in keys.log_vkeys()} == {OLD}
    files = [path for path in made.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert keys.producer().origin == keys.current_origin() == OLD


def test_keys_are_never_made_over_others(made: Path) -> None:
    with pytest.raises(KeysExist):
        make_keys(NEW, NOW)

    assert keys.current_origin() == OLD


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        ["file:a.key?algorithm=ML-DSA-44"],
        ["file:a.key", "file:b.key"],
        ["file:a.key", "file:b.key?algorithm=ML-DSA-44", "file:c.key?algorithm=ML-DSA-44"],
    ],
)
def test_a_log_has_one_ed25519_key_and_at_most_one_ml_dsa_key_beside_it(
    own_folders: Path, settings: LazySettings, addresses: list[str]
) -> None:
    settings.CREDENCE_LOG_KEYS = addresses

    with pytest.raises(NoEd25519Key):
        make_keys(OLD, NOW)

    assert not keys.present()


def test_a_shard_that_is_prepared_switches_nothing(made: Path) -> None:
    delegation = make_shard(NEW, NOW)

    assert keys.current_origin() == OLD
    assert delegation.origin == keys.log_as_producer(NEW).origin == NEW
    assert log_signer(NEW).last().root == EMPTY_ROOT
    assert log_signer().origin == OLD


def test_a_shard_has_the_same_log_keys_under_its_own_name(made: Path) -> None:
    make_shard(NEW, NOW)

    old, new = ([parse_vkey(vkey) for vkey in keys.log_vkeys(origin)] for origin in (OLD, NEW))
    assert [key.public for key in old] == [key.public for key in new]
    assert {key.key_id for key in old}.isdisjoint(key.key_id for key in new)


def test_preparing_a_shard_again_gives_the_same(made: Path) -> None:
    assert make_shard(NEW, NOW) == make_shard(NEW, NOW)
    assert len(keyring.read(made).log_keys) == 4


def test_after_the_switch_processes_write_the_new_shard_and_the_old_one_still_verifies(
    made: Path,
) -> None:
    signature = keys.sign("credence-artefact/v1", b"bytes")
    make_shard(NEW, NOW)

    switch_shard(NEW)
    switch_shard(NEW)  # again: it is done already

    assert keys.producer().origin == keys.current_origin() == log_signer().origin == NEW
    keys.verify_signature("credence-artefact/v1", b"bytes", signature.key_id, signature.value)


def test_a_shard_that_was_not_prepared_is_not_switched_to(made: Path) -> None:
    with pytest.raises(KeyMissing, match="prepared"):
        switch_shard(NEW)

    assert keys.current_origin() == OLD


def test_a_prepared_producer_key_with_little_time_left_is_not_taken_up_again(made: Path) -> None:
    old = key_making.prepare_producer(OLD, NOW - timedelta(days=20))

    assert key_making.prepared_producer(OLD, timezone.now()) is None
    fresh = key_making.prepare_producer(OLD, NOW)
    assert key_making.prepared_producer(OLD, timezone.now()) == fresh != old


def test_the_ring_says_which_producer_key_was_replaced(made: Path) -> None:
    before = keys.producer().key_id

    key_making.install_producer(key_making.prepare_producer(OLD, NOW))

    assert keys.producer().key_id != before
    former = keyring.read(made).former(before)
    assert former is not None
    assert former.retired_at is None


def test_a_log_key_that_is_prepared_signs_nothing(made: Path) -> None:
    key = key_making.prepare_log_key(OLD, "file:log-2.key", NOW, overlap=3)

    assert key.state is KeyState.PREPARED
    assert key.vkey not in keys.log_vkeys()
    assert len(keys.log_signers(OLD)) == 2

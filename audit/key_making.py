"""Making keys: of a new log, of its next shard, and producer keys. What is made here signs nothing yet but delegations.

A crash at any step leaves what was in use in use; what was prepared is found again, or left lying and never used.
"""

import base64
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from audit import durable, keyring, notes
from audit.canonical import timestamp
from audit.errors import KeyMissing, Refusal
from audit.keyring import FormerProducer, KeyRing, KeyState, LogKey, public_id
from audit.keys import (
    DELEGATION_HEADER,
    Delegation,
    current_origin,
    delegations,
    folder,
    installed_producer,
    log_key,
    present,
)
from audit.notes import ED25519, ML_DSA_44, NoteSigner
from audit.signer import log_signer
from audit.signing import files
from audit.signing.addresses import make_or_open

DELEGATION_DAYS = 30


class KeysExist(Refusal):
    """Keys are never overwritten: a log that loses its key is a log that cannot go on."""


class NoEd25519Key(Refusal):
    """Every log signs with one Ed25519 key, and beside it with one ML-DSA-44 key at most: today's tools know the former alone."""

    status = 422


def make_keys(origin: str, at: datetime) -> Delegation:
    """Make the keys of a new log: where CREDENCE_LOG_KEYS says, or in files. Raises KeysExist when there is any key already."""
    if present():
        raise KeysExist(f"{folder()} already holds keys. They are never overwritten.")
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    log_keys = [_log_key(origin, address, at) for address in settings.CREDENCE_LOG_KEYS]
    _require_algorithms(log_keys)
    durable.write(folder() / "vault.key", base64.b64encode(os.urandom(32)) + b"\n")
    keyring.change(folder(), lambda _: KeyRing(tuple(log_keys)))
    delegation = prepare_producer(origin, at)
    _install(delegation)
    return delegation


def make_shard(origin: str, at: datetime) -> Delegation:
    """Prepare the next shard of this log; nothing switches. Doing it again gives the same.

    The log keys are those that are valid now, under a new name; the producer key is a new one. Its entries 0 and 1 are signed
    by `keys.log_as_producer(origin)`, and once a checkpoint covers them `switch_shard` may follow.
    """
    now = current_origin()

    def with_shard(ring: KeyRing) -> KeyRing:
        if ring.keys_of(origin, tuple(KeyState)):
            return ring
        for key in ring.keys_of(now, (KeyState.VALID,)):
            verifier = notes.parse_vkey(key.vkey)
            vkey = notes.vkey(origin, verifier.public, verifier.kind)
            ring = ring.with_key(LogKey(vkey, key.address, KeyState.VALID, timestamp(at)))
        return ring

    keyring.change(folder(), with_shard)
    if not log_signer(origin).has_begun():
        log_signer(origin).begin()
    return prepared_producer(origin, at) or prepare_producer(origin, at)


def switch_shard(origin: str) -> None:
    """From now on every process of this installation writes `origin`. Raises KeyMissing where it was not prepared."""
    if current_origin() == origin:
        return
    delegation = prepared_producer(origin, timezone.now())
    if delegation is None:
        raise KeyMissing(f"No producer key of {origin} is prepared.")
    install_producer(delegation)


def prepare_producer(origin: str, at: datetime, days: int = DELEGATION_DAYS) -> Delegation:
    """A new producer key and the log key's delegation to it, valid from a minute before `at` for `days` days; not in use yet."""
    key = files.generate(files.Algorithm.ED25519)
    vkey = NoteSigner(f"{origin}/producer", key).vkey
    not_before, not_after = at - timedelta(minutes=1), at + timedelta(days=days)
    text = "\n".join(
        [DELEGATION_HEADER, vkey, timestamp(not_before), timestamp(not_after), origin, ""]
    )
    note = notes.sign_note(text, [NoteSigner(origin, log_key(origin))])
    for name in ("prepared", "delegations"):
        (folder() / name).mkdir(exist_ok=True, mode=0o700)
    delegation = Delegation(vkey, not_before, not_after, origin, note)
    files.save(key, _prepared_file(delegation))
    durable.write(folder() / "delegations" / f"{_hex(vkey)}.note", note.encode())
    return delegation


def prepared_producer(origin: str, at: datetime) -> Delegation | None:
    """The newest producer key of that log that waits to be used and has most of its time before it; None where there is none."""
    waiting = [
        delegation
        for delegation in delegations().values()
        if delegation.origin == origin
        and delegation.not_before <= at
        and delegation.not_after - at > (delegation.not_after - delegation.not_before) / 2
        and _prepared_file(delegation).exists()
    ]
    return max(waiting, key=lambda delegation: delegation.not_before, default=None)


def install_producer(delegation: Delegation) -> None:
    """Use a prepared producer key from now on, in every process.

    A crash between the two steps leaves the old key in use although the ring says when it was replaced: installing again
    says so anew.
    """
    old, now = installed_producer().key_id, timestamp(timezone.now())
    keyring.change(folder(), lambda ring: ring.with_former(FormerProducer(old, now)))
    _install(delegation)


def prepare_log_key(origin: str, address: str, at: datetime, overlap: int) -> LogKey:
    """A further key of the log, which signs nothing yet."""
    key = replace(_log_key(origin, address, at), state=KeyState.PREPARED, overlap=overlap)
    keyring.change(folder(), lambda ring: ring.with_key(key))
    return key


def _install(delegation: Delegation) -> None:
    durable.move(_prepared_file(delegation), folder() / "producer.key")


def _prepared_file(delegation: Delegation) -> Path:
    return folder() / "prepared" / f"{_hex(delegation.producer)}.key"


def _hex(vkey: str) -> str:
    return public_id(vkey).rpartition("+")[2]


def _log_key(origin: str, address: str, at: datetime) -> LogKey:
    signer = NoteSigner(origin, make_or_open(address, folder()))
    return LogKey(signer.vkey, address, KeyState.VALID, timestamp(at))


def _require_algorithms(log_keys: Sequence[LogKey]) -> None:
    kinds = [key.kind for key in log_keys]
    if kinds.count(ED25519) != 1 or kinds.count(ML_DSA_44) > 1:
        raise NoEd25519Key(
            "CREDENCE_LOG_KEYS names one Ed25519 key, and at most one ML-DSA-44 key beside it."
        )

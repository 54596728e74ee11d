"""A new log key beside an old one, and the end of log keys: rotated, retired or lost.

    prepared      made, with the note by which the old key vouches for it; it signs nothing
    introduced    its entry, signed by the old key, is committed
    covered       a published checkpoint covers that entry
    valid         it signs beside the old key, which is ending
    retired       the old key, once enough checkpoints bear both signatures; or `lost`, at once

The ring changes in one step each, so a crash leaves a log that signs; the next run goes on from there.
"""

import time
from dataclasses import replace

from django.contrib.auth.models import User
from django.utils import timezone

from audit import durable, key_making, keyring, keys, notes
from audit.actions.keys import introduce_log_key, lose_log_key, retire_log_key
from audit.canonical import timestamp
from audit.entries import parse
from audit.errors import Refusal
from audit.events import Event
from audit.introductions import Step, await_pass, entry_about, is_covered, one_at_a_time
from audit.keyring import SIGNING, KeyRing, KeyState, LogKey
from audit.models import Checkpoint, Entry
from audit.notes import ED25519, ML_DSA_44
from audit.producer_rotation import NoSuchKey
from audit.signer import log_signer

ROTATION_HEADER = "credence-log-key/v1"
OVERLAP = 10_000  # checkpoints: a week of heartbeats, a morning of decisions


class RotationUnderWay(Refusal):
    """One key at a time takes the place of another."""


class LastLogKey(Refusal):
    """The log would be left without a key that signs its checkpoints."""


def rotate(
    kind: int, address: str | None, overlap: int, *, by: User, seconds: float, on_step: Step
) -> LogKey:
    """Let a new key of the log sign beside the old one, which ends after `overlap` checkpoints. Also adds a first ML-DSA key.

    Raises RotationUnderWay while an older overlap lasts, NotYetSealed when the entry is not covered in time.
    """
    origin, deadline = keys.current_origin(), time.monotonic() + seconds
    while (done := _advance(origin, kind, address, overlap, by, on_step)) is None:
        await_pass(origin, deadline)
    return done


def _advance(
    origin: str, kind: int, address: str | None, overlap: int, by: User, on_step: Step
) -> LogKey | None:
    """The next steps, as far as they can be done now; the new key once both sign."""
    with one_at_a_time():
        _require_no_overlap(origin, kind)
        old = keys.log_as_producer(origin)
        new = _ring().newest(origin, kind, (KeyState.PREPARED,))
        if new is None:
            where = address or next_address(origin, kind)
            new = key_making.prepare_log_key(origin, where, timezone.now(), overlap)
            on_step(f"made {new.key_id}")
        entry = entry_about(Event.LOG_KEY_INTRODUCED, new.vkey)
        if entry is None:
            entry = introduce_log_key(new, _rotation_note(new, old), old, by=by)
            on_step(f"recorded its introduction, entry {entry.pk}")
        if not is_covered(entry):
            on_step("waiting until a published checkpoint covers it")
            return None
        began = replace(new, state=KeyState.VALID, began_at_size=log_signer(origin).last().size)
        before = _ring().newest(origin, kind)
        ending = [] if before is None else [replace(before, state=KeyState.ENDING)]
        _change(*ending, began)
        on_step("signs checkpoints from now on")
        return began


def overlap_left(key: LogKey) -> int:
    """How many checkpoints an ending key signs yet."""
    successor = _ring().newest(key.origin, key.kind)
    if successor is None:
        return 0
    signed = Checkpoint.objects.filter(origin=key.origin, size__gt=successor.began_at_size)
    return max(0, successor.overlap - signed.count())


def retire(key_id: str, reason: str, *, by: User) -> LogKey:
    """End a log key: it vouches for nothing larger than what is signed now. Raises NoSuchKey, LastLogKey."""
    with one_at_a_time():
        key = _signing(key_id)
        others = [k for k in _ring().keys_of(key.origin, (KeyState.VALID,)) if k != key]
        if not any(other.kind == ED25519 for other in others):
            raise LastLogKey(
                f"{key_id} is the only Ed25519 key of {key.origin}. Rotate it instead."
            )
        entry = entry_about(Event.LOG_KEY_RETIRED, key.vkey)
        if entry is None:
            entry = retire_log_key(key, reason, log_signer(key.origin).last().size, by=by)
        return _end(key, KeyState.RETIRED, entry)


def lose(key_id: str, address: str | None, reason: str, *, by: User) -> LogKey | None:
    """End a log key that others may have, or nobody. Where none of its kind remains a new one signs at once, and is returned.

    1. Make the successor. Nobody vouches for an Ed25519 key but itself: whoever holds a policy gets it by another way.
    2. One act writes its introduction and the loss, signed by the Ed25519 key that remains, or by the new one.
    3. The ring follows. A crash before it leaves the lost key signing until the next run.

    Raises NoSuchKey.
    """
    with one_at_a_time():
        lost = _signing(key_id)
        others = [k for k in _ring().keys_of(lost.origin) if k != lost and k.kind == lost.kind]
        successor = None if others else _successor(lost, address)
        trusted = _remaining(lost, successor)
        signed_by = keys.EntryKey(keys.private_key(trusted), trusted.key_id, lost.origin)
        entry = entry_about(Event.LOG_KEY_LOST, lost.vkey)
        if entry is None:
            note = _rotation_note(successor, signed_by) if successor else ""
            size = log_signer(lost.origin).last().size
            entry = lose_log_key(lost, successor, note, signed_by, size, reason, by=by)
        size = _ends_at_size(entry)
        takes_over = replace(successor, began_at_size=size) if successor else others[-1]
        _end(lost, KeyState.LOST, entry, replace(takes_over, state=KeyState.VALID))
    return successor


def next_address(origin: str, kind: int) -> str:
    """The next file name for a log key of that kind."""
    stem = "log-ml-dsa" if kind == ML_DSA_44 else "log"
    query = "?algorithm=ML-DSA-44" if kind == ML_DSA_44 else ""
    used = {key.address.partition("?")[0] for key in _ring().log_keys}
    number = 2
    while f"file:{stem}-{number}.key" in used:
        number += 1
    return f"file:{stem}-{number}.key{query}"


def _require_no_overlap(origin: str, kind: int) -> None:
    for key in _ring().keys_of(origin, (KeyState.ENDING,)):
        if key.kind == kind:
            raise RotationUnderWay(
                f"{key.key_id} signs {overlap_left(key):,} more checkpoints beside its successor. "
                f"`manage.py keys retire --key {key.key_id}` ends it now."
            )


def _signing(key_id: str) -> LogKey:
    key = _ring().named(key_id)
    if key is None or key.state not in SIGNING:
        raise NoSuchKey(f"{key_id} is no log key that signs. `manage.py keys list` shows them.")
    return key


def _successor(lost: LogKey, address: str | None) -> LogKey:
    """The key that was prepared before, so that a run that was interrupted goes on; else a new one."""
    prepared = _ring().newest(lost.origin, lost.kind, (KeyState.PREPARED,))
    if prepared is not None:
        return prepared
    where = address or next_address(lost.origin, lost.kind)
    return key_making.prepare_log_key(lost.origin, where, timezone.now(), overlap=0)


def _remaining(lost: LogKey, successor: LogKey | None) -> LogKey:
    """The Ed25519 key that signs the entries about a loss: one that signs already, else the new one."""
    known = [k for k in _ring().keys_of(lost.origin) if k != lost and k.kind == ED25519]
    if known:
        return known[0]
    if successor is None or successor.kind != ED25519:
        raise LastLogKey(f"No Ed25519 key of {lost.origin} is left to sign with.")
    return successor


def _rotation_note(new: LogKey, old: keys.EntryKey) -> str:
    """By which whoever trusts the old key trusts the new one. Written once, and kept."""
    path = keys.folder() / "rotations" / f"{new.key_id.rpartition('+')[2]}.note"
    if path.exists():
        return path.read_text()
    text = "\n".join([ROTATION_HEADER, new.origin, new.vkey, new.since, ""])
    signers = {old.key_id: notes.NoteSigner(new.origin, old.private_key)}
    if new.kind == ED25519:
        signers[new.key_id] = notes.NoteSigner(new.origin, keys.private_key(new))
    note = notes.sign_note(text, list(signers.values()))
    path.parent.mkdir(exist_ok=True, mode=0o700)
    durable.write(path, note.encode())
    return note


def _end(key: LogKey, state: KeyState, entry: Entry, successor: LogKey | None = None) -> LogKey:
    ended = replace(
        key, state=state, ends_at_size=_ends_at_size(entry), ended_at=timestamp(entry.occurred_at)
    )
    _change(ended, *([successor] if successor else []))
    return ended


def _ends_at_size(entry: Entry) -> int:
    return int(parse(bytes(entry.body))["public"]["ends_at_size"])


def _ring() -> KeyRing:
    return keyring.read(keys.folder())


def _change(*changed: LogKey) -> None:
    """All of them at once."""

    def with_all(ring: KeyRing) -> KeyRing:
        for key in changed:
            ring = ring.with_key(key)
        return ring

    keyring.change(keys.folder(), with_all)

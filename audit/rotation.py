"""How one key takes the place of another, so that at every moment the log has a key, and no signature is by a key it does not name.

A key passes through these states, and a crash leaves it in one of them; the next run goes on from there:

    prepared      made, with the note by which the log key vouches for it; in use nowhere
    introduced    its entry is committed
    covered       a published checkpoint covers that entry: from here on strangers know the key
    in use        producer.key was replaced at once; or the ring says that both log keys sign
    retired       the old key's entry: a producer key a day after it was replaced, a log key when enough checkpoints bear both
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit import durable, key_making, keyring, keys, notes
from audit.actions.keys import (
    SUBJECT,
    introduce_log_key,
    introduce_producer_key,
    lose_log_key,
    retire_log_key,
    retire_producer_key,
)
from audit.canonical import timestamp
from audit.entries import parse
from audit.errors import NotFound, Refusal
from audit.events import Event
from audit.keyring import FormerProducer, KeyRing, KeyState, LogKey
from audit.models import Checkpoint, Entry, Leaf
from audit.notes import ED25519, ML_DSA_44
from audit.queries import NothingSealed, newest_checkpoint
from audit.sequencer import NotYetSealed, await_sealed
from audit.signer import log_signer

ROTATION_HEADER = "credence-log-key/v1"
RENEW_BELOW = 1 / 3  # of a producer key's time
RETIRE_AFTER = timedelta(days=1)  # processes notice a new producer key at their next act
OVERLAP = 10_000  # checkpoints: a week of heartbeats
OPEN = (KeyState.PREPARED, KeyState.VALID, KeyState.ENDING)

Step = Callable[[str], None]


class RotationUnderWay(Refusal):
    """One key at a time takes the place of another."""


class LastLogKey(Refusal):
    """The log would be left without a key that signs its checkpoints."""


class NoSuchKey(NotFound):
    """The ring names no such key."""


class StillInUse(Refusal):
    """The producer key signs entries. Rotate it first."""


# --- Producer keys ------------------------------------------------------------------------------------------------


def rotate_producer(*, by: User, seconds: float, on_step: Step) -> keys.Delegation:
    """Put a new producer key in the place of the one in use. Raises NotYetSealed when its entry is not covered in time.

    Whatever it got done stays; running it again, or the sequencer, goes on from there.
    """
    deadline = time.monotonic() + seconds
    while (done := _advance_producer(by, on_step)) is None:
        _await_seal(keys.current_origin(), deadline)
    return done


def renewal_is_due(now: datetime) -> bool:
    """When a third of the producer key's time is left, or when a renewal was begun."""
    delegation = keys.installed_producer().delegation
    lifetime = delegation.not_after - delegation.not_before
    if delegation.not_after - now < lifetime * RENEW_BELOW:
        return True
    return key_making.prepared_producer(delegation.origin, now) is not None


def _advance_producer(by: User, on_step: Step) -> keys.Delegation | None:
    """The next step; the delegation of the new key once it is in use.

    1. Prepare the key, unless one is.
    2. Write its introduction, signed by the log key, unless it is written. A crash here leaves an entry about a key not yet used.
    3. Unless a published checkpoint covers the entry, come back later.
    4. Replace producer.key. Entries by the old key stay good: it is retired a day later.
    """
    with durable.alone(keys.folder() / "rotation.lock"):
        origin, now = keys.current_origin(), timezone.now()
        new = key_making.prepared_producer(origin, now)
        if new is None:
            new = key_making.prepare_producer(origin, now)
            on_step(f"made {keyring.public_id(new.producer)}")
        entry = _entry(Event.PRODUCER_KEY_INTRODUCED, new.producer)
        if entry is None:
            entry = introduce_producer_key(new, by=by)
            on_step(f"recorded its introduction, {entry.pk}")
        if not _is_covered(entry):
            on_step("waiting until a published checkpoint covers it")
            return None
        key_making.install_producer(new)
        on_step("in use from now on")
        return new


def retire_producer(key_id: str, reason: str, *, by: User) -> None:
    """End a producer key that was replaced. Raises NoSuchKey, StillInUse."""
    delegation = keys.delegations().get(key_id)
    if delegation is None:
        raise NoSuchKey(f"No producer key {key_id} was ever delegated to.")
    if keys.installed_producer().key_id == key_id:
        raise StillInUse(
            f"{key_id} signs entries now. `manage.py keys rotate --key producer` replaces it."
        )
    with durable.alone(keys.folder() / "rotation.lock"):
        entry = _entry(Event.PRODUCER_KEY_RETIRED, delegation.producer)
        if entry is None:
            entry = retire_producer_key(delegation, reason, by=by)
        retired_at = timestamp(entry.occurred_at)

        def retired(ring: KeyRing) -> KeyRing:
            former = ring.former(key_id) or FormerProducer(key_id, retired_at)
            return ring.with_former(replace(former, retired_at=retired_at))

        keyring.change(keys.folder(), retired)


# --- Log keys -----------------------------------------------------------------------------------------------------


def rotate_log_key(
    kind: int, address: str | None, overlap: int, *, by: User, seconds: float, on_step: Step
) -> LogKey:
    """Let a new key of the log sign beside the old one, which ends after `overlap` checkpoints. Also adds a first ML-DSA key.

    Raises RotationUnderWay while an older overlap lasts, NotYetSealed when the entry is not covered in time.
    """
    origin, deadline = keys.current_origin(), time.monotonic() + seconds
    if ending := [k for k in _ring().keys_of(origin, (KeyState.ENDING,)) if k.kind == kind]:
        raise RotationUnderWay(
            f"{ending[0].key_id} still signs beside its successor. `manage.py keys retire --key {ending[0].key_id}` ends it now."
        )
    while (done := _advance_log_key(origin, kind, address, overlap, by, on_step)) is None:
        _await_seal(origin, deadline)
    return done


def _advance_log_key(
    origin: str, kind: int, address: str | None, overlap: int, by: User, on_step: Step
) -> LogKey | None:
    """The next step; the new key once both sign. The numbers are those of `_advance_producer`."""
    with durable.alone(keys.folder() / "rotation.lock"):
        old = keys.log_as_producer(origin)
        new = _ring().newest(origin, kind, (KeyState.PREPARED,))
        if new is None:
            where = address or next_address(origin, kind)
            new = key_making.prepare_log_key(origin, where, timezone.now(), overlap)
            on_step(f"made {new.key_id}")
        entry = _entry(Event.LOG_KEY_INTRODUCED, new.vkey)
        if entry is None:
            entry = introduce_log_key(new, _rotation_note(new, old), old, by=by)
            on_step(f"recorded its introduction, {entry.pk}")
        if not _is_covered(entry):
            on_step("waiting until a published checkpoint covers it")
            return None
        began = replace(new, state=KeyState.VALID, began_at_size=log_signer(origin).last().size)
        before = _ring().newest(origin, kind)

        def both_sign(ring: KeyRing) -> KeyRing:
            if before is not None:
                ring = ring.with_key(replace(before, state=KeyState.ENDING))
            return ring.with_key(began)

        keyring.change(keys.folder(), both_sign)
        on_step("signs checkpoints from now on")
        return began


def retire_log(key_id: str, reason: str, *, by: User) -> LogKey:
    """End a log key: it vouches for nothing larger than what is signed now. Raises NoSuchKey, LastLogKey."""
    key = _ring().named(key_id)
    if key is None or key.state not in (KeyState.VALID, KeyState.ENDING):
        raise NoSuchKey(f"{key_id} is no log key that signs.")
    others = [k for k in _ring().keys_of(key.origin, (KeyState.VALID,)) if k != key]
    if not any(other.kind == ED25519 for other in others):
        raise LastLogKey(f"{key_id} is the only Ed25519 key of {key.origin}. Rotate it instead.")
    with durable.alone(keys.folder() / "rotation.lock"):
        entry = _entry(Event.LOG_KEY_RETIRED, key.vkey)
        if entry is None:
            size = log_signer(key.origin).last().size
            entry = retire_log_key(key, reason, size, by=by)
        return _end(key, KeyState.RETIRED, entry)


def overlap_left(key: LogKey) -> int:
    """How many checkpoints an ending key signs yet."""
    successor = _ring().newest(key.origin, key.kind)
    if successor is None:
        return 0
    signed = Checkpoint.objects.filter(origin=key.origin, size__gt=successor.began_at_size)
    return max(0, successor.overlap - signed.count())


def lose_log(key_id: str, address: str | None, reason: str, *, by: User) -> LogKey | None:
    """End a log key that others may have, or nobody. A new one signs at once where none of its kind remains: it is returned.

    1. Make the successor. Nobody vouches for an Ed25519 key but itself: whoever holds the policy gets it by another way.
    2. One act writes the introduction and the loss, signed by the key that remains or by the new one.
    3. The ring follows. A crash before leaves the lost key signing until the next run.

    Raises NoSuchKey.
    """
    lost = _ring().named(key_id)
    if lost is None or lost.state not in (KeyState.VALID, KeyState.ENDING):
        raise NoSuchKey(f"{key_id} is no log key that signs.")
    with durable.alone(keys.folder() / "rotation.lock"):
        others = [k for k in _ring().keys_of(lost.origin) if k != lost and k.kind == lost.kind]
        successor = None if others else _successor(lost, address)
        trusted = _remaining(lost, successor)
        signed_by = keys.EntryKey(keys.private_key(trusted), trusted.key_id, lost.origin)
        entry = _entry(Event.LOG_KEY_LOST, lost.vkey)
        if entry is None:
            note = _rotation_note(successor, signed_by) if successor else ""
            size = log_signer(lost.origin).last().size
            entry = lose_log_key(lost, successor, note, signed_by, size, reason, by=by)
        _end(lost, KeyState.LOST, entry, successor or replace(others[-1], state=KeyState.VALID))
    return successor


def _successor(lost: LogKey, address: str | None) -> LogKey:
    """The key that was prepared before, so that a run that was interrupted goes on; else a new one."""
    prepared = _ring().newest(lost.origin, lost.kind, (KeyState.PREPARED,))
    if prepared is not None:
        return prepared
    where = address or next_address(lost.origin, lost.kind)
    return key_making.prepare_log_key(lost.origin, where, timezone.now(), overlap=0)


def _remaining(lost: LogKey, successor: LogKey | None) -> LogKey:
    """The Ed25519 key that signs the entries about the loss: one that was valid before, else the new one."""
    known = [k for k in _ring().keys_of(lost.origin) if k != lost and k.kind == ED25519]
    if known:
        return known[-1]
    if successor is None or successor.kind != ED25519:
        raise LastLogKey(f"No Ed25519 key of {lost.origin} is left to sign with.")
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
    size = int(parse(bytes(entry.body))["public"]["ends_at_size"])
    ended = replace(key, state=state, ends_at_size=size, ended_at=timestamp(entry.occurred_at))

    def without(ring: KeyRing) -> KeyRing:
        ring = ring.with_key(ended)
        if successor is not None:
            ring = ring.with_key(replace(successor, state=KeyState.VALID, began_at_size=size))
        return ring

    keyring.change(keys.folder(), without)
    return ended


# --- What the sequencer does by itself ----------------------------------------------------------------------------


def upkeep(*, by: User, on_step: Step) -> None:
    """One step of whatever is due: renew the producer key, end an overlap, retire producer keys that nobody uses any more."""
    if renewal_is_due(timezone.now()):
        _advance_producer(by, on_step)
    origin = keys.current_origin()
    for key in _ring().keys_of(origin, (KeyState.ENDING,)):
        if overlap_left(key) == 0:
            retire_log(key.key_id, "rotated", by=by)
            on_step(f"retired {key.key_id}")
    for key_id in _producers_to_retire(origin):
        retire_producer(key_id, "rotated", by=by)
        on_step(f"retired {key_id}")


def _producers_to_retire(origin: str) -> list[str]:
    """Keys of this log that were replaced a day ago. Those of a closed shard ended with it."""
    now, in_use = timezone.now(), keys.installed_producer().key_id
    return [
        former.key_id
        for former in _ring().producers
        if former.retired_at is None
        and former.key_id != in_use
        and former.key_id.startswith(f"{origin}/producer+")
        and keys.moment(former.replaced_at) + RETIRE_AFTER <= now
    ]


def _ring() -> KeyRing:
    return keyring.read(keys.folder())


def _entry(event: Event, vkey: str) -> Entry | None:
    """The entry that tells of this key, if it was written."""
    named = Entry.objects.filter(subject_type=SUBJECT, subject_id=keyring.public_id(vkey))
    return named.filter(event=event).order_by("pk").first()


def _is_covered(entry: Entry) -> bool:
    leaf = Leaf.objects.filter(entry=entry).first()
    try:
        return leaf is not None and newest_checkpoint(entry.origin).size > leaf.index
    except NothingSealed:
        return False


def _await_seal(origin: str, deadline: float) -> None:
    """Let a pass be done, by whoever leads. Raises NotYetSealed once the time is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise NotYetSealed(
            "The introduction is recorded, and no published checkpoint covers it yet. The key in use stays in use; "
            "run this again to go on."
        )
    await_sealed(origin, left)
    time.sleep(0.05)  # published by another process, after its quorum

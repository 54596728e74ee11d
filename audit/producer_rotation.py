"""A new producer key in the place of an old one, so that no entry is ever signed by a key that strangers do not know.

    prepared      made, and the log key delegated to it; in use nowhere
    introduced    its entry, signed by the log key, is committed
    covered       a published checkpoint covers that entry
    in use        producer.key was replaced, at once; processes notice at their next act
    retired       a day after its successor came: the old key's last entry lies before this one

A crash leaves a key in one of these states and the installation working; the next run goes on from there, and so does the sequencer.
"""

import time
from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit import key_making, keyring, keys
from audit.actions.keys import introduce_producer_key, retire_producer_key
from audit.canonical import timestamp
from audit.errors import NotFound, Refusal
from audit.events import Event
from audit.introductions import Step, await_pass, entry_about, is_covered, one_at_a_time
from audit.keyring import FormerProducer, KeyRing

RENEW_BELOW = 1 / 3  # of a producer key's time
RETIRE_AFTER = timedelta(days=1)  # longer than any act that began before its key was replaced
IN_FLIGHT_SECONDS = 5  # acts that began before a lost key was replaced have ended


class NoSuchKey(NotFound):
    """No key of this log has that id, or it does not sign."""


class StillInUse(Refusal):
    """The producer key signs entries. Rotate it first."""


def rotate(*, by: User, seconds: float, on_step: Step) -> keys.Delegation:
    """Put a new producer key in the place of the one in use. Raises NotYetSealed when its entry is not covered in time."""
    deadline = time.monotonic() + seconds
    while (done := advance(by=by, on_step=on_step)) is None:
        await_pass(keys.current_origin(), deadline)
    return done


def advance(*, by: User, on_step: Step) -> keys.Delegation | None:
    """The next steps, as far as they can be done now; the delegation of the new key once it is in use.

    1. Prepare the key, unless one is.
    2. Write its introduction, unless it is written. A crash after this leaves an entry about a key that is not used yet.
    3. Unless a published checkpoint covers the entry, come back later.
    4. Replace producer.key. What the old key signed stays good.
    """
    with one_at_a_time():
        origin, now = keys.current_origin(), timezone.now()
        new = key_making.prepared_producer(origin, now)
        if new is None:
            new = key_making.prepare_producer(origin, now)
            on_step(f"made {keyring.public_id(new.producer)}")
        entry = entry_about(Event.PRODUCER_KEY_INTRODUCED, new.producer)
        if entry is None:
            entry = introduce_producer_key(new, by=by)
            on_step(f"recorded its introduction, entry {entry.pk}")
        if not is_covered(entry):
            on_step("waiting until a published checkpoint covers it")
            return None
        key_making.install_producer(new)
        on_step("in use from now on")
        return new


def renewal_is_due(now: datetime) -> bool:
    """When a third of the producer key's time is left, or when a renewal was begun."""
    delegation = keys.installed_producer().delegation
    lifetime = delegation.not_after - delegation.not_before
    if delegation.not_after - now < lifetime * RENEW_BELOW:
        return True
    return key_making.prepared_producer(delegation.origin, now) is not None


def retire(key_id: str, reason: str, *, by: User) -> None:
    """End a producer key that was replaced. Raises NoSuchKey, StillInUse."""
    delegation = keys.delegations().get(key_id)
    if delegation is None:
        raise NoSuchKey(f"The log key delegated to no producer key {key_id}.")
    if keys.installed_producer().key_id == key_id:
        raise StillInUse(
            f"{key_id} signs entries now. `manage.py keys rotate --key producer` replaces it."
        )
    with one_at_a_time():
        entry = entry_about(Event.PRODUCER_KEY_RETIRED, delegation.producer)
        if entry is None:
            entry = retire_producer_key(delegation, reason, by=by)
        retired_at = timestamp(entry.occurred_at)

        def retired(ring: KeyRing) -> KeyRing:
            former = ring.former(key_id) or FormerProducer(key_id, retired_at)
            return ring.with_former(replace(former, retired_at=retired_at))

        keyring.change(keys.folder(), retired)


def lose(key_id: str, reason: str, *, by: User, seconds: float, on_step: Step) -> None:
    """End a producer key that others may have: at once, once another is in use. Raises NoSuchKey, NotYetSealed."""
    if keys.installed_producer().key_id == key_id:
        rotate(by=by, seconds=seconds, on_step=on_step)
        on_step(f"waiting {IN_FLIGHT_SECONDS} seconds for acts that began before")
        time.sleep(IN_FLIGHT_SECONDS)
    retire(key_id, reason, by=by)


def due_for_retirement(origin: str, now: datetime) -> list[str]:
    """Key ids of this log's producers that were replaced a day ago. Those of a closed shard ended with it."""
    in_use = keys.installed_producer().key_id
    return [
        former.key_id
        for former in keyring.read(keys.folder()).producers
        if former.retired_at is None
        and former.key_id != in_use
        and former.key_id.startswith(f"{origin}/producer+")
        and keys.moment(former.replaced_at) + RETIRE_AFTER <= now
    ]

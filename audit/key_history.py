"""What became of every key, for people: what the ring and the delegations say, and the entries that say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from audit import keyring, keys
from audit.actions.keys import SUBJECT
from audit.events import Event
from audit.keyring import KeyState, LogKey
from audit.models import Entry
from audit.notes import ML_DSA_44
from audit.signer import log_signer


@dataclass(frozen=True)
class KeyFact:
    """One key: for what, since when, until when, and the entries of its introduction and its end."""

    key_id: str
    use: str
    since: datetime
    until: datetime | None
    state: str
    address: str
    ends_at_size: int | None
    introduced_by: UUID | None
    ended_by: UUID | None


def history() -> list[KeyFact]:
    """Log keys, then producer keys, each oldest first."""
    entries = _entries()
    facts = [_log_fact(key, entries) for key in keyring.read(keys.folder()).log_keys]
    delegated = sorted(keys.delegations().values(), key=lambda delegation: delegation.not_before)
    return facts + [_producer_fact(delegation, entries) for delegation in delegated]


def signed_size(key_id: str) -> int:
    """The size of the last checkpoint that a log key signed, if it signs now. Raises SignerStateMissing."""
    key = keyring.read(keys.folder()).named(key_id)
    return log_signer(key.origin if key else None).last().size


Entries = Mapping[tuple[str, str], UUID]


def _entries() -> Entries:
    told = Entry.objects.filter(subject_type=SUBJECT).order_by("-pk")
    return {
        (event, key_id): pk for event, key_id, pk in told.values_list("event", "subject_id", "pk")
    }


def _log_fact(key: LogKey, entries: Entries) -> KeyFact:
    introduced = entries.get((Event.LOG_KEY_INTRODUCED, key.key_id))
    end = Event.LOG_KEY_LOST if key.state is KeyState.LOST else Event.LOG_KEY_RETIRED
    return KeyFact(
        key.key_id,
        "checkpoints, ML-DSA-44" if key.kind == ML_DSA_44 else "checkpoints and keys, Ed25519",
        keys.moment(key.since),
        keys.moment(key.ended_at) if key.ended_at else None,
        key.state,
        key.address,
        key.ends_at_size,
        introduced or _first_entry(key.origin),
        entries.get((end, key.key_id)),
    )


def _first_entry(origin: str) -> UUID | None:
    """The first keys of a log are named by its entry 0."""
    opened = Entry.objects.filter(event=Event.SHARD_OPENED, subject_id=origin)
    return opened.order_by("pk").values_list("pk", flat=True).first()


def _producer_fact(delegation: keys.Delegation, entries: Entries) -> KeyFact:
    key_id = keyring.public_id(delegation.producer)
    return KeyFact(
        key_id,
        "entries, receipts, artefacts",
        delegation.not_before,
        delegation.not_after,
        _producer_state(key_id, delegation),
        "",
        None,
        entries.get((Event.PRODUCER_KEY_INTRODUCED, key_id)),
        entries.get((Event.PRODUCER_KEY_RETIRED, key_id)),
    )


def _producer_state(key_id: str, delegation: keys.Delegation) -> str:
    former = keyring.read(keys.folder()).former(key_id)
    if keys.installed_producer().key_id == key_id:
        return "expired" if delegation.not_after <= timezone.now() else "in use"
    if former is None:
        return KeyState.PREPARED
    return KeyState.RETIRED if former.retired_at else "replaced"

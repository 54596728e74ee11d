"""What became of a key is an entry: a stranger who trusts the first log key is led to every other."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit import entries, key_making, keys
from audit.action import action, record
from audit.events import Event
from audit.keyring import LogKey, public_id
from audit.models import Entry
from audit.notes import ML_DSA_44
from audit.signer import log_signer
from audit.signing.files import Algorithm

SUBJECT = "audit.key"


@action(Event.SHARD_OPENED, needs="audit.manage_keys")
def open_log(origin: str, *, by: User) -> keys.Delegation:
    """Make the keys of a new log, and write entries 0 and 1. Raises KeysExist, NoEd25519Key, SignerUnavailable.

    A crash before the commit leaves keys that signed nothing: move the folder aside and begin again.
    """
    delegation = key_making.make_keys(origin, timezone.now())
    log_signer(origin).begin()
    record(
        subject=("audit.log", origin),
        signed_by=keys.log_as_producer(origin),
        vkey=keys.log_vkey(origin),
        vkeys=keys.log_vkeys(origin),
        entry_schema=entries.SCHEMA,
        previous=None,
    )
    introduce_producer_key(delegation, by=by)
    return delegation


@action(Event.PRODUCER_KEY_INTRODUCED, needs="audit.renew_keys")
def introduce_producer_key(delegation: keys.Delegation, *, by: User) -> Entry:
    """Write into the log that a producer key may sign entries from here on, until its delegation ends."""
    return record(
        subject=(SUBJECT, public_id(delegation.producer)),
        signed_by=keys.log_as_producer(delegation.origin),
        vkey=delegation.producer,
        not_before=delegation.not_before,
        not_after=delegation.not_after,
        delegation=delegation.note,
    )


@action(Event.PRODUCER_KEY_RETIRED, needs="audit.renew_keys")
def retire_producer_key(delegation: keys.Delegation, reason: str, *, by: User) -> Entry:
    """Write into the log that nothing after this entry is signed by that producer key."""
    return record(
        subject=(SUBJECT, public_id(delegation.producer)),
        signed_by=keys.log_as_producer(delegation.origin),
        vkey=delegation.producer,
        reason=reason,
        last_entry_before=timezone.now(),
    )


@action(Event.LOG_KEY_INTRODUCED, needs="audit.manage_keys")
def introduce_log_key(key: LogKey, note: str, signed_by: keys.EntryKey, *, by: User) -> Entry:
    """Write into the log that a further key signs its checkpoints, on the word of a key that does already.

    The name of an ML-DSA key has 1.8 KB and stands in the note: AWS KMS signs at most 4096 bytes.
    """
    is_long = key.kind == ML_DSA_44
    return record(
        subject=(SUBJECT, key.key_id),
        signed_by=signed_by,
        vkey=None if is_long else key.vkey,
        alg=Algorithm.ML_DSA_44 if is_long else Algorithm.ED25519,
        since=key.since,
        note=note,
    )


@action(Event.LOG_KEY_RETIRED, needs="audit.renew_keys")
def retire_log_key(key: LogKey, reason: str, ends_at_size: int, *, by: User) -> Entry:
    """Write into the log that a key vouches for no checkpoint that is larger."""
    return record(
        subject=(SUBJECT, key.key_id),
        signed_by=keys.log_as_producer(key.origin),
        vkey=key.vkey,
        reason=reason,
        ends_at_size=ends_at_size,
    )


@action(Event.LOG_KEY_LOST, needs="audit.manage_keys")
def lose_log_key(
    lost: LogKey,
    successor: LogKey | None,
    note: str,
    signed_by: keys.EntryKey,
    ends_at_size: int,
    reason: str,
    *,
    by: User,
) -> Entry:
    """Write into the log that somebody else may have the key, or nobody: it vouches for no checkpoint that is larger.

    Its successor is introduced in the same act, and never on the word of the lost key.
    """
    if successor is not None:
        introduce_log_key(successor, note, signed_by, by=by)
    return record(
        subject=(SUBJECT, lost.key_id),
        signed_by=signed_by,
        vkey=lost.vkey,
        ends_at_size=ends_at_size,
        reason=reason,
    )

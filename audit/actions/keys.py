"""Keys: a log begins with its own key and the first producer key it delegates to."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit import entries, keys
from audit.action import action, record
from audit.events import Event
from audit.signer import log_signer


@action(Event.SHARD_OPENED, needs="audit.manage_keys")
def open_log(origin: str, *, by: User) -> keys.Delegation:
    """Make the keys of a new log, and write entries 0 and 1. Raises KeysExist.

    A crash before the commit leaves keys that signed nothing: move the folder aside and begin again.
    """
    delegation = keys.make_keys(origin, timezone.now())
    log_signer().begin(origin)
    record(
        subject=("audit.log", origin),
        signed_by=keys.log_as_producer(),
        vkey=keys.log_vkey(),
        entry_schema=entries.SCHEMA,
        previous=None,
    )
    introduce_producer_key(delegation, by=by)
    return delegation


@action(Event.PRODUCER_KEY_INTRODUCED, needs="audit.manage_keys")
def introduce_producer_key(delegation: keys.Delegation, *, by: User) -> None:
    """Write into the log that a producer key may sign entries from here on, until its delegation ends."""
    record(
        subject=("audit.key", keys.public_id(delegation.producer)),
        signed_by=keys.log_as_producer(),
        vkey=delegation.producer,
        not_before=delegation.not_before,
        not_after=delegation.not_after,
        delegation=delegation.note,
    )

"""Whether the log says something of a key, and whether strangers can see that it does."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from audit import durable, keyring, keys
from audit.actions.keys import SUBJECT
from audit.events import Event
from audit.models import Entry
from audit.queries import published_size
from audit.sequencer import NotYetSealed, await_sealed

Step = Callable[[str], None]


def one_at_a_time() -> AbstractContextManager[None]:
    """Each step of putting one key in the place of another looks at what is, and then acts: nobody else meanwhile."""
    return durable.alone(keys.folder() / "rotation.lock")


def entry_about(event: Event, vkey: str) -> Entry | None:
    """The first entry that tells this of the key, if it was written."""
    named = Entry.objects.filter(subject_type=SUBJECT, subject_id=keyring.public_id(vkey))
    return named.filter(event=event).order_by("pk").first()


def is_covered(entry: Entry) -> bool:
    """True when a published checkpoint covers the entry."""
    sealed = Entry.objects.filter(pk=entry.pk, leaf__index__lt=published_size(entry.origin))
    return sealed.exists()


def await_pass(origin: str, deadline: float) -> None:
    """Let what waits be sealed, by whoever leads. Raises NotYetSealed once the time is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise NotYetSealed(
            "The introduction is recorded, and no published checkpoint covers it yet. The key in use stays in use; "
            "run this again to go on."
        )
    await_sealed(origin, left)
    time.sleep(0.05)  # published by another process, after its quorum

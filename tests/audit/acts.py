"""Entries for tests: a small act of the tests' own."""

from enum import StrEnum

from django.contrib.auth.models import User

from audit.action import action, record
from audit.models import Entry
from audit.vault import Private


class Event(StrEnum):
    NOTED = "tests.noted"


def some_entries(count: int, *, by: User, private: Private | None = None) -> list[Entry]:
    """That many entries, committed together and waiting in the outbox."""
    return _note(count, private, by=by)


@action(Event.NOTED, needs="audit.write_heartbeat")
def _note(count: int, private: Private | None, *, by: User) -> list[Entry]:
    return [
        record(subject=("tests.note", str(n)), text="ä small note", private=private)
        for n in range(count)
    ]

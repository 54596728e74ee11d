"""Making entries and inserting them: what every act pays for being remembered, so it is kept cheap."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from audit import entries, keys, merkle
from audit.context import circumstances
from audit.errors import Refusal
from audit.ids import uuid7
from audit.keys import EntryKey
from audit.models import Entry
from audit.statements import insert_rows
from audit.vault import Private, seal_private

Subject = models.Model | tuple[str, str]
# An hour is reconciled five minutes after its end: an entry of it must be there by then.
LATEST_SECONDS = 240


class TookTooLong(Refusal):
    """An act took minutes from recording to its end, and was rolled back. Record as the last step, and ask again."""

    status = 503


class Said(NamedTuple):
    """What an act says in an entry. `details` are public; `private` is sealed into the vault's ciphertext."""

    event: StrEnum
    by: User
    subject: Subject
    details: dict[str, Any]
    private: Private | None = None
    signed_by: EntryKey | None = None


def make_entry(said: Said) -> Entry:
    """The signed entry, not yet inserted. Raises NotCanonical, EntryTooLarge, KeyMissing."""
    producer, now = said.signed_by or keys.producer(), circumstances()
    entry_id, occurred_at, event = uuid7(), timezone.now(), str(said.event)
    named = _named(said.subject)
    sealed = seal_private(said.private, producer.origin, entry_id, event) if said.private else None
    actor = {"id": str(said.by.pk), "name": said.by.get_username(), "authn": now.authn}
    for name in ("on_behalf_of", "trigger"):
        if value := getattr(now, name):
            actor[name] = value
    draft = entries.Draft(
        entry_id,
        producer.origin,
        event,
        occurred_at,
        actor,
        now.request_id or "",
        named,
        said.details,
        sealed,
    )
    body = entries.seal(draft, producer.key_id, producer.sign)
    return Entry(  # in the order of its columns: by name costs twice as much
        entry_id,
        producer.origin,
        event,
        occurred_at,
        actor["id"],
        actor["name"],
        named["type"],
        named["id"],
        draft.request_id,
        UUID(sealed["key_id"]) if sealed else None,
        body,
        merkle.leaf_hash(body),
    )


def insert_entries(made: Sequence[Entry], beside: Sequence[models.Model] = ()) -> None:
    """Insert entries, and rows of other models beside them, in the transaction that is open. Raises TookTooLong."""
    if not made:
        return
    if (timezone.now() - made[0].occurred_at).total_seconds() > LATEST_SECONDS:
        raise TookTooLong(
            f"From recording to its end the act took more than {LATEST_SECONDS} seconds."
        )
    by_model: dict[type[models.Model], list[models.Model]] = {}
    for row in beside:
        by_model.setdefault(type(row), []).append(row)
    insert_rows(made, *by_model.values())


def _named(subject: Subject) -> dict[str, str]:
    if isinstance(subject, models.Model):
        return {
            "type": subject._meta.label_lower,
            "id": str(subject.pk),
            "text": str(subject)[:200],
        }
    kind, name = subject
    return {"type": kind, "id": name}

"""From an act to the bytes of its entry: canonical JSON, signed by the producer key."""

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from audit.canonical import encoded, plain, timestamp
from audit.errors import EntryTooLarge

SCHEMA = "credence-entry/1"
DOMAIN = "credence-entry/v1"
LARGEST_ENTRY = 60_000  # bytes; an entry bundle holds at most 65,535 per entry


class Draft(NamedTuple):
    """What an entry says, before it is signed. `private` holds plain values, `public` what `plain` takes."""

    id: UUID
    origin: str
    event: str
    occurred_at: datetime
    actor: dict[str, Any]
    request_id: str
    subject: dict[str, str]
    public: dict[str, Any]
    private: dict[str, Any] | None


def seal(draft: Draft, producer: str, sign: Callable[[str, bytes], bytes]) -> bytes:
    """The leaf: canonical JSON with a signature over `credence-entry/v1`, a newline and the canonical JSON without it.

    `producer` is how the entry names the key; `sign` takes a domain and bytes. Raises EntryTooLarge.
    """
    # "signature" sorts between "schema" and "subject": it is set in where its place is, and nothing is encoded twice.
    before = encoded(
        {
            "actor": draft.actor,
            "event": draft.event,
            "id": str(draft.id),
            "occurred_at": timestamp(draft.occurred_at),
            "origin": draft.origin,
            "private": draft.private,
            "producer": producer,
            "public": plain(draft.public),
            "request_id": draft.request_id,
            "schema": SCHEMA,
        }
    )[:-1]
    after = b',"subject":' + encoded(draft.subject) + b"}"
    signature = base64.b64encode(sign(DOMAIN, before + after))
    body = before + b',"signature":"' + signature + b'"' + after
    if len(body) > LARGEST_ENTRY:
        raise EntryTooLarge(
            f"The entry has {len(body):,} bytes; {LARGEST_ENTRY:,} are allowed. Record a digest."
        )
    return body


def parse(body: bytes) -> dict[str, Any]:
    """The entry as JSON; the bytes were checked when they were made and are checked again by verification."""
    fields: dict[str, Any] = json.loads(body)
    return fields

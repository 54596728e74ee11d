"""Receipts: what a lending system keeps, and can check with the log's public key alone."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import keys
from audit.canonical import timestamp
from audit.models import Entry

DOMAIN = "credence-receipt/v1"


@dataclass(frozen=True)
class Receipt:
    """The producer key's word that an entry was made: its id, its leaf hash, and when it was decided."""

    entry_id: str
    leaf_hash: str
    key_id: str
    signature: bytes

    def as_json(self) -> dict[str, Any]:
        """With the delegation: the log key's word for the producer key."""
        return {
            "entry_id": self.entry_id,
            "leaf_hash": self.leaf_hash,
            "key_id": self.key_id,
            "signature": base64.b64encode(self.signature).decode(),
            "delegation": keys.delegation_note(self.key_id),
        }


def signed_receipt(
    entry: Entry, decided_at: datetime, producer: keys.EntryKey
) -> tuple[str, bytes]:
    """Key id and 64 bytes: Ed25519 by the producer key over domain, origin, entry id, leaf hash and
    time, each followed by a newline."""
    parts = (entry.origin, str(entry.id), leaf_hash_text(entry), timestamp(decided_at))
    return producer.key_id, producer.sign(DOMAIN, "".join(f"{part}\n" for part in parts).encode())


def leaf_hash_text(entry: Entry) -> str:
    return base64.b64encode(bytes(entry.leaf_hash)).decode()

"""Idempotency keys: the same request twice is one decision."""

import hashlib
from dataclasses import dataclass

from serving.errors import IdempotencyKeyMalformed

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
LONGEST_KEY = 200


@dataclass(frozen=True)
class IdempotencyKey:
    """A client's key, and the SHA-256 of the address and body that it came with."""

    key: str
    body_sha256: str


def read_key(header: str | None, path: str, body: bytes) -> IdempotencyKey | None:
    """None without a header. Raises IdempotencyKeyMalformed."""
    if header is None:
        return None
    if not (0 < len(header) <= LONGEST_KEY and header.isascii() and header.isprintable()):
        raise IdempotencyKeyMalformed(
            f"An {HEADER} is 1 to {LONGEST_KEY} printable ASCII characters."
        )
    return IdempotencyKey(header, hashlib.sha256(path.encode() + b"\n" + body).hexdigest())

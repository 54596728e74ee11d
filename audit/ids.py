"""UUIDv7 (RFC 9562): identifiers made in our own process that sort by time."""

import secrets
import threading
import time
import uuid
from datetime import UTC, datetime

_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A new identifier; within one process each is larger than the one before it."""
    global _last
    with _lock:
        # 48 bits of milliseconds and 12 bits of fraction, moved on by one where the clock has not moved.
        ticks = max((time.time_ns() << 12) // 1_000_000, _last + 1)
        _last = ticks
    value = (
        (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    )
    return uuid.UUID(int=value)


def moment_of(key: uuid.UUID) -> datetime:
    """The millisecond in which an identifier was made."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


def first_key(moment: datetime) -> uuid.UUID:
    """No identifier that is made from `moment` on is smaller: its millisecond, and zeros."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)

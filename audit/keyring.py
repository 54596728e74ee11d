"""The keys of a log and what became of each: `log.json`, beside the key files.

It holds nothing secret: public names, addresses and dates. What it says of the past the log says too, in entries that
a log key signed; this file is what processes act on.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from audit import durable, notes
from audit.errors import KeyMissing

SCHEMA = "credence-keys/1"
FILE = "log.json"


class KeyState(StrEnum):
    PREPARED = "prepared"  # made; its introduction is not under a checkpoint yet
    VALID = "valid"
    ENDING = "ending"  # signs on beside its successor
    RETIRED = "retired"
    LOST = "lost"


SIGNING = (KeyState.VALID, KeyState.ENDING)


@dataclass(frozen=True)
class LogKey:
    """A key that signs checkpoints of one origin. Sizes are of the tree, times as in entries."""

    vkey: str
    address: str
    state: KeyState
    since: str
    began_at_size: int = 0
    overlap: int = 0  # checkpoints that its predecessor signs beside it
    ends_at_size: int | None = None
    ended_at: str | None = None

    @property
    def origin(self) -> str:
        return self.vkey.split("+")[0]

    @property
    def key_id(self) -> str:
        """`name+<8 hex>`, as entries name it."""
        return public_id(self.vkey)

    @property
    def kind(self) -> int:
        return notes.parse_vkey(self.vkey).kind


@dataclass(frozen=True)
class FormerProducer:
    """A producer key that is not in use any more."""

    key_id: str
    replaced_at: str
    retired_at: str | None = None


@dataclass(frozen=True)
class KeyRing:
    """Every log key there ever was, of every shard, oldest first; and the producer keys that were replaced."""

    log_keys: tuple[LogKey, ...] = ()
    producers: tuple[FormerProducer, ...] = ()

    def keys_of(self, origin: str, states: Collection[KeyState] = SIGNING) -> list[LogKey]:
        return [key for key in self.log_keys if key.origin == origin and key.state in states]

    def newest(
        self, origin: str, kind: int, states: Collection[KeyState] = (KeyState.VALID,)
    ) -> LogKey | None:
        found = [key for key in self.keys_of(origin, states) if key.kind == kind]
        return found[-1] if found else None

    def named(self, key_id: str) -> LogKey | None:
        return next((key for key in self.log_keys if key.key_id == key_id), None)

    def former(self, key_id: str) -> FormerProducer | None:
        return next((old for old in self.producers if old.key_id == key_id), None)

    def with_key(self, key: LogKey) -> "KeyRing":
        """With this key added, or in the place of what was known of it."""
        known = [old.key_id for old in self.log_keys]
        if key.key_id not in known:
            return replace(self, log_keys=(*self.log_keys, key))
        return replace(
            self, log_keys=tuple(key if k.key_id == key.key_id else k for k in self.log_keys)
        )

    def with_former(self, former: FormerProducer) -> "KeyRing":
        others = tuple(old for old in self.producers if old.key_id != former.key_id)
        return replace(self, producers=(*others, former))


def read(folder: Path) -> KeyRing:
    """Raises KeyMissing. Read again whenever the file was replaced, by whichever process."""
    return _read(folder, stamp(folder / FILE))


def change(folder: Path, changed: Callable[[KeyRing], KeyRing]) -> KeyRing:
    """Replace the ring by what `changed` makes of it: at once, durably, one process after another."""
    with durable.alone(folder / "log.lock"):
        before = read(folder) if (folder / FILE).exists() else KeyRing()
        after = changed(before)
        if after != before:
            document = {"schema": SCHEMA, **asdict(after)}
            durable.write(folder / FILE, (json.dumps(document, indent=1) + "\n").encode())
    return after


def stamp(path: Path) -> tuple[int, int]:
    """Tells one content of a file from the next, without reading it. Raises KeyMissing."""
    try:
        status = path.stat()
    except OSError as problem:
        raise KeyMissing(
            f"{path.name} cannot be read in the folder of keys ({problem.strerror}). "
            "`manage.py keys init` makes the keys of a new log."
        ) from None
    return status.st_mtime_ns, status.st_ino


def public_id(vkey: str) -> str:
    """`name+<8 hex>`: how entries and signatures name a key."""
    return "+".join(vkey.split("+")[:2])


@lru_cache(maxsize=8)
def _read(folder: Path, stamp: tuple[int, int]) -> KeyRing:
    try:
        document = json.loads((folder / FILE).read_text())
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}")
        log_keys = tuple(
            LogKey(**{**key, "state": KeyState(key["state"])}) for key in document["log_keys"]
        )
        return KeyRing(log_keys, tuple(FormerProducer(**old) for old in document["producers"]))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise KeyMissing(f"{FILE} cannot be read ({problem}). Restore it from a backup.") from None

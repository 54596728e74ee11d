"""The Feast online stores that an operator named, and what such a store says of somebody. Pure.

`CREDENCE_ONLINE_STORES` is a TOML file: nobody else gives an address or a token. A contract names a store and a view.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from registry.errors import OnlineStoresMalformed

LONGEST_TIMEOUT_MS = 5_000
State = Literal["fresh", "stale", "absent", "later"]
_TEXTS = ("url", "entity", "client")


@dataclass(frozen=True, slots=True)
class OnlineStore:
    """A Feast feature server. `entity` is the join key of its views, filled with the `subject_ref` of `client`.

    `timeout_ms` bounds each step of a request: to connect, to send, and to wait for the answer.
    """

    name: str
    url: str
    entity: str
    client: str
    timeout_ms: int
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OnlineValue:
    """A value as a store holds it.

    `event_at` is None where the store holds no row; `expired` where the store itself says that it is too old.
    """

    value: Any
    event_at: datetime | None
    expired: bool = False

    def state_at(self, at: datetime, ttl: timedelta) -> State:
        """Whether the value counts at a moment; `later` is one that dates from after it."""
        if self.expired:
            return "stale"
        if self.event_at is None:
            return "absent"
        if self.event_at > at:
            return "later"
        return "fresh" if at - self.event_at <= ttl else "stale"


def store_and_view(reference: str) -> tuple[str, str]:
    """`feast:risk/bureau` is the view `bureau` of the store `risk`."""
    store, _, view = reference.removeprefix("feast:").partition("/")
    return store, view


def by_store(views: Iterable[str]) -> dict[str, list[str]]:
    """References of views under the name of their store."""
    found: dict[str, list[str]] = {}
    for reference in views:
        found.setdefault(store_and_view(reference)[0], []).append(reference)
    return found


@cache
def read_stores(path: Path | None) -> Mapping[str, OnlineStore]:
    """Every store by its name; none without a file. Read once per process.

    Raises OnlineStoresMalformed, which tells the name and neither address nor token.
    """
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise OnlineStoresMalformed("CREDENCE_ONLINE_STORES names no readable TOML file.") from None
    return {name: _store(name, table) for name, table in document.items()}


def _store(name: str, table: object) -> OnlineStore:
    if isinstance(table, dict) and set(table) <= {*_TEXTS, "timeout_ms", "token"}:
        timeout_ms, token = table.get("timeout_ms"), table.get("token", "")
        texts = [table.get(key) for key in _TEXTS]
        url, entity, client = (text if isinstance(text, str) else "" for text in texts)
        if (
            _is_address(url)
            and (entity and client and isinstance(token, str) and token.isascii())
            and (type(timeout_ms) is int and 0 < timeout_ms <= LONGEST_TIMEOUT_MS)
        ):
            return OnlineStore(name, url.rstrip("/"), entity, client, timeout_ms, token)
    raise OnlineStoresMalformed(
        f"The online store {name} must have a url of http or https, entity, client, timeout_ms from 1 to"
        f" {LONGEST_TIMEOUT_MS:,} and, if need be, a token."
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an address in them, a port that is no number
        return False

"""Who is at the other end: what an entry says about how an act came in."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Circumstances:
    """`authn` is how the actor was recognised: `session`, `token` or `process`."""

    request_id: str | None = None
    authn: str = "process"
    on_behalf_of: str | None = None
    trigger: str | None = None


_circumstances: ContextVar[Circumstances] = ContextVar("circumstances", default=Circumstances())  # noqa: B039  frozen


def circumstances() -> Circumstances:
    return _circumstances.get()


@contextmanager
def acting(**changes: str | None) -> Iterator[None]:
    """Within the block, entries carry these circumstances: `with acting(on_behalf_of="dana"): ...`."""
    token = _circumstances.set(replace(circumstances(), **changes))  # type: ignore[arg-type]  # checked by replace()
    try:
        yield
    finally:
        _circumstances.reset(token)


@contextmanager
def within(those: Circumstances) -> Iterator[None]:
    """Within the block, entries carry the circumstances of another request, for which this thread acts."""
    token = _circumstances.set(those)
    try:
        yield
    finally:
        _circumstances.reset(token)


def recognised_by(authn: str) -> None:
    """What an edge found out within its `acting` block: how the actor was really recognised."""
    _circumstances.set(replace(circumstances(), authn=authn))

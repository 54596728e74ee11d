"""Requests that arrive while others are being worked on go together, and share what each would pay for alone. Pure.

The first to come leads: it works at once and alone. Whoever comes meanwhile waits, and one of them leads all that
wait by then. So nobody waits for a group to fill, and the busier it is the larger the groups are.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Result = TypeVar("Result")


@dataclass
class _Seat(Generic[Asked, Result]):
    """Where one thread waits: until it has a result, or leads."""

    asked: Asked
    turn: Event = field(default_factory=Event)
    leads: bool = False
    result: Result | None = None


class Grouping(Generic[Asked, Result]):
    """Groups of at most `most`, each of requests with one key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._waiting: dict[Hashable, list[_Seat[Asked, Result]]] = {}

    def take_part(
        self,
        key: Hashable,
        asked: Asked,
        work: Callable[[Sequence[Asked]], Sequence[Result | None]],
    ) -> Result | None:
        """What `work` makes of this request, in whichever thread it was done.

        What `work` raises is raised to the thread that led; the others get None, as for whatever `work` gave no result.
        """
        seat: _Seat[Asked, Result] = _Seat(asked)
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
                seat.leads = True
            else:
                waiting.append(seat)
        if not seat.leads:
            seat.turn.wait()
        if seat.leads:
            self._lead(key, seat, work)
        return seat.result

    def _lead(
        self,
        key: Hashable,
        own: _Seat[Asked, Result],
        work: Callable[[Sequence[Asked]], Sequence[Result | None]],
    ) -> None:
        with self._lock:
            waiting = self._waiting[key]
            group = [own, *waiting[: self._most - 1]]
            del waiting[: self._most - 1]
        try:
            for seat, result in zip(group, work([seat.asked for seat in group]), strict=True):
                seat.result = result
        finally:
            with self._lock:
                if waiting:
                    following = waiting.pop(0)
                    following.leads = True
                    following.turn.set()
                else:
                    del self._waiting[key]
            for seat in group[1:]:
                seat.turn.set()

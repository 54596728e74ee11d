"""Requests that arrive while others are being worked on go together, and share what each would pay for alone. Pure.

Whoever comes first is worked on at once, alone and in its own thread. Whoever comes meanwhile waits, and all that wait by
then are worked on together. So nobody waits for a group to fill, and the busier it is the larger the groups are. Groups
are worked on by threads of their own, few of them: so few connections to a database are used, and stay warm.
"""

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Generic, TypeVar

THREADS = 2  # so that one key's groups do not wait for another's
Asked = TypeVar("Asked")
Result = TypeVar("Result")
Together = Callable[[Sequence[Asked]], Sequence[Result | None]]
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seat(Generic[Asked, Result]):
    """Where one thread waits: at `turn`, a lock that is held until the result is there."""

    asked: Asked
    together: Together[Asked, Result]
    turn: Lock
    result: Result | None = None


class Grouping(Generic[Asked, Result]):
    """Groups of at most `most`, each of requests with one key, and one group of a key at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._waiting: dict[Hashable, list[_Seat[Asked, Result]]] = {}  # by keys that are worked on
        self._ready: SimpleQueue[Hashable] = SimpleQueue()
        self._threads: list[Thread] = []

    def take_part(
        self,
        key: Hashable,
        asked: Asked,
        alone: Callable[[], Result],
        together: Together[Asked, Result],
    ) -> Result:
        """What `alone` makes of this request, or `together` of it and others of its key.

        Alone, after all, where `together` has no result for it or raises. Raises what `alone` raises.
        """
        seat: _Seat[Asked, Result] = _Seat(asked, together, Lock())
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
            else:
                seat.turn.acquire()
                waiting.append(seat)
        if waiting is None:
            try:
                return alone()
            finally:
                self._go_on(key)
        with seat.turn:
            return alone() if seat.result is None else seat.result

    def _go_on(self, key: Hashable) -> None:
        """Leave those of the key who wait by now to a thread."""
        with self._lock:
            if not self._waiting[key]:
                del self._waiting[key]
                return
            if not self._threads:
                self._threads = [
                    Thread(target=self._work, name=f"grouping-{number}", daemon=True)
                    for number in range(THREADS)
                ]
                for thread in self._threads:
                    thread.start()
        self._ready.put(key)

    def _work(self) -> None:
        while True:
            key = self._ready.get()
            with self._lock:
                waiting = self._waiting[key]
                group = waiting[: self._most]
                del waiting[: self._most]
            try:
                results = group[0].together([seat.asked for seat in group])
                for seat, result in zip(group, results, strict=True):
                    seat.result = result
            except Exception:  # whatever it is, each is told of it alone, and others go on
                logger.exception("Requests that came together could not be worked on together.")
            for seat in group:
                seat.turn.release()
            self._go_on(key)

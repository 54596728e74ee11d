"""Requests that arrive while others are being worked on go together, and share what each would pay for alone. Pure.

Whoever comes first is worked on at once, alone and in its own thread. Whoever comes meanwhile waits, and those who wait are
worked on together. Callers who were answered together ask again together: so the next group waits for as many as came
last, at most LINGER_S, and no group is left with half of them. Where fewer come, fewer are waited for; where nobody
does, the next is the first again.

Groups are worked on by threads of their own, few of them: so few connections to a database are used, and stay warm.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Generic, TypeVar

LINGER_S = 0.015
THREADS = 4  # one key's groups do not wait for another's
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


@dataclass(slots=True)
class _Line(Generic[Asked, Result]):
    """Those of one key who wait while others are worked on; `full` is released when as many wait as are `expected`."""

    waiting: list[_Seat[Asked, Result]] = field(default_factory=list)
    expected: int = 0
    full: Lock | None = None


class Grouping(Generic[Asked, Result]):
    """Groups of at most `most`, each of requests with one key, and one group of a key at a time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._lines: dict[Hashable, _Line[Asked, Result]] = {}
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
            line = self._lines.get(key)
            if line is None:
                self._lines[key] = _Line()
            else:
                self._sit_down(seat, line)
        if line is None:
            try:
                return alone()
            finally:
                self._go_on(key, 0)
        with seat.turn:
            return alone() if seat.result is None else seat.result

    def _sit_down(self, seat: _Seat[Asked, Result], line: _Line[Asked, Result]) -> None:
        seat.turn.acquire()
        line.waiting.append(seat)
        if line.full and len(line.waiting) == line.expected:
            line.full.release()

    def _go_on(self, key: Hashable, answered: int) -> None:
        """Leave those of the key who wait by now, and those who were answered and may ask again, to a thread."""
        with self._lock:
            line = self._lines[key]
            line.expected = min(answered + len(line.waiting), self._most)
            if not line.waiting and line.expected < 2:
                del self._lines[key]
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
            group = self._next_group(key)
            if not group:
                continue
            try:
                results = group[0].together([seat.asked for seat in group])
                for seat, result in zip(group, results, strict=True):
                    seat.result = result
            except Exception:  # whatever it is, each is told of it alone, and others go on
                logger.exception("Requests that came together could not be worked on together.")
            for seat in group:
                seat.turn.release()
            self._go_on(key, len(group))

    def _next_group(self, key: Hashable) -> list[_Seat[Asked, Result]]:
        """Those who wait, once they are as many as are expected, or LINGER_S later. Where nobody does, the line ends."""
        with self._lock:
            line = self._lines[key]
            if len(line.waiting) < line.expected:
                line.full = Lock()
                line.full.acquire()
        if line.full:
            line.full.acquire(timeout=LINGER_S)
        with self._lock:
            line.full = None
            group = line.waiting[: self._most]
            del line.waiting[: self._most]
            if not group:
                del self._lines[key]
        return group

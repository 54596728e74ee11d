"""Values that are costly to make and are kept: each is made once, however many threads ask for it at once. Pure."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class MadeOnce(Generic[K, V]):
    """`make(key)`, of which the `most` values used last are kept.

    One value is made at a time, so that memory grows by one; whoever asks for a kept one does not wait. A `refusal` that
    making raises is raised again for `seconds` without trying, so that what cannot be made holds nobody up.
    """

    def __init__(
        self, make: Callable[[K], V], most: int, refusal: type[Exception], seconds: float
    ) -> None:
        self._make, self._most = make, most
        self._refusal, self._seconds = refusal, seconds
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._refused: dict[K, tuple[float, Exception]] = {}
        self._reading, self._making = Lock(), Lock()
        self.made = 0

    def __call__(self, key: K) -> V:
        if (known := self._known(key)) is not None:
            return known
        with self._making:
            if (known := self._known(key)) is not None:  # made while this thread waited
                return known
            try:
                value = self._make(key)
            except self._refusal as refused:
                self._refused[key] = monotonic(), refused
                raise
            with self._reading:
                self.made += 1
                self._kept[key] = value
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            return value

    def held(self, key: K) -> V | None:
        """The value where it is kept, without making it or counting as its use."""
        with self._reading:
            return self._kept.get(key)

    def cache_clear(self) -> None:
        """Forget everything, refusals too."""
        with self._reading:
            self._kept.clear()
            self._refused.clear()
            self.made = 0

    def _known(self, key: K) -> V | None:
        with self._reading:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            at, refused = self._refused.get(key, (0.0, None))
            if refused is None:
                return None
            if monotonic() < at + self._seconds:
                raise refused.with_traceback(None)
            del self._refused[key]
            return None

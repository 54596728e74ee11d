"""Kombu's file transport, made safe for several processes: no message and no table is ever seen half-written.

Kombu opens a message's file under its final name and writes it then, so a worker that looks in between reads nothing and
stops (celery/kombu issue 1551). Here a message gets its name when it is complete, and tables are read and written one at a time.
"""

import fcntl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time_ns
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.transport.virtual import BrokerState
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps

NAME = "files"


class Channel(filesystem.Channel):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for folder in (self.data_folder_in, self.data_folder_out, self.control_folder):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]  # named so by kombu
        folder = Path(self.data_folder_out)
        name = f"{time_ns():020}_{uuid.uuid4()}.{queue}.msg"
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(str_to_bytes(dumps(payload)))
        unfinished.rename(folder / name)

    def _queue_bind(self, *arguments: Any) -> None:
        with self._alone():
            super()._queue_bind(*arguments)

    def get_table(self, exchange: str) -> Any:
        with self._alone():
            return super().get_table(exchange)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (Path(self.control_folder) / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel
    # The class of kombu's shares one table of bindings among all its instances; ours has its own.
    global_state = BrokerState()


def register() -> None:
    """Make `files://` a broker URL."""
    TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"

"""Room for what is too large for memory."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings


@contextmanager
def work_file() -> Iterator[IO[bytes]]:
    """A nameless file beside the data, gone when it is closed. The system's own folder for such files may be in memory."""
    folder = Path(settings.CREDENCE_VAR)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        yield file

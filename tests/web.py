"""The product's own web server, Granian, on a database of the tests that really commits."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journeys.told import ROOT, answers, free_port

STOP_SECONDS = 20


def environment_on(database: str) -> dict[str, str]:
    """The tests' folders and keys, with the product's own settings."""
    return os.environ | {
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "governance.settings",
        "CREDENCE_LOG_LEVEL": "INFO",
        "COLUMNS": "200",
    }


@contextmanager
def granian(database: str, folder: Path, workers: int = 1) -> Iterator[str]:
    """Yields the address; `folder` gets the server's log."""
    port = free_port()
    where = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    many = ["--workers", str(workers), "--blocking-threads", "4"]
    with (folder / "web.log").open("ab") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "granian", *where, *many, "governance.wsgi:application"],
            cwd=ROOT,
            env=environment_on(database),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        answers(f"http://127.0.0.1:{port}/healthz", web)
        yield f"http://127.0.0.1:{port}"
    finally:
        web.send_signal(signal.SIGTERM)
        try:
            web.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(web.pid, signal.SIGKILL)

"""The processes of a whole installation, started beside the story: web server, worker, schedule and sequencer."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import httpx

from governance import env

STOP_SECONDS = 20


class ProcessFailed(Exception):
    """A process of the demo ended or did not answer; its log says why."""


class Processes:
    """Starts processes with their output in `var/logs`, and stops them all in the end, whatever happened."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._logs = env.var_folder() / "logs"
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start_all(self) -> None:
        """Start everything and wait until the web server answers."""
        python = sys.executable
        web = [
            "--interface",
            "wsgi",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--workers",
            "1",
        ]
        celery = [python, "-m", "celery", "--app", "governance.celery"]
        self._start("sequencer", [python, "manage.py", "sequence"])
        self._start("worker", [*celery, "worker", "--loglevel", "INFO", "--concurrency", "1"])
        self._start("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile", ""])
        self._start("web", [python, "-m", "granian", *web, "governance.wsgi:application"])
        self._wait_for_web()

    def require_alive(self) -> None:
        """Raises ProcessFailed, naming the log, when one of them has ended."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessFailed(
                    f"The {name} ended with code {process.returncode}. {self._tail(name)}"
                )

    def stop_all(self) -> None:
        """Ask all to stop, the web server first, and insist after a while."""
        for process in reversed(self._running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self._running.clear()

    def _start(self, name: str, command: Sequence[str]) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        with (self._logs / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then stops the others in order.
            self._running[name] = subprocess.Popen(  # noqa: S603  our own command line
                command, cwd=env.ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.require_alive()
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2)
            except httpx.TransportError:
                time.sleep(0.2)
            else:
                return
        raise ProcessFailed(f"The web server did not answer within a minute. {self._tail('web')}")

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        return f"The end of {path}:\n" + "\n".join(
            path.read_text(errors="replace").splitlines()[-15:]
        )


def free_port(wanted: int) -> int:
    """The port asked for, or another where that one is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ProcessFailed("No port is free on 127.0.0.1.")

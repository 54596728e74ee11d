"""An installation as an operator sets one up: tables, keys, people, and the processes that run beside each other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.told import ROOT, answers, clean_environment, free_port

STOP_SECONDS = 20


@dataclass(frozen=True)
class Installation:
    """A service that runs. `password` tells everybody's password."""

    var: Path
    site: str
    environment: dict[str, str]

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of an operator."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def done(self, *words: str) -> str:
        """What a command printed that must succeed."""
        ended = self.manage(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def token(self, person: str) -> str:
        return self.done("accounts", "token", person).split()[-1]


def password(person: str) -> str:
    return f"only {person} knows this"


@contextmanager
def installed(var: Path, people: dict[str, str]) -> Iterator[Installation]:
    """Web server, worker and sequencer on SQLite and files, with these people (name: role). Stopped in the end."""
    port = free_port()
    secrets = {f"PASSWORD_{person.upper()}": password(person) for person in people}
    environment = clean_environment() | {
        "CREDENCE_VAR": str(var),
        "CREDENCE_SECRET_KEY": "of one test and of nothing else",
        "CREDENCE_ORIGIN": "journey.test/log",
        "CREDENCE_DEMO": "true",
        "CREDENCE_SWEEP_SECONDS": "5",
        "COLUMNS": "200",
        **secrets,
    }
    var.mkdir()
    bank = Installation(var, f"http://127.0.0.1:{port}", environment)
    bank.done("migrate", "--verbosity", "0")
    bank.done("keys", "init")
    bank.done("protected_key")
    for person, role in people.items():
        signs_in = (
            [] if role == "scoring client" else ["--password-from", f"PASSWORD_{person.upper()}"]
        )
        bank.done("accounts", "add", person, "--role", role, *signs_in)
    where = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    celery = ["-m", "celery", "--app", "governance.celery", "worker", "--concurrency", "1"]
    with ExitStack() as running:
        running.enter_context(_process(bank, "sequencer", "manage.py", "sequence"))
        running.enter_context(_process(bank, "worker", *celery))
        web = running.enter_context(
            _process(bank, "web", "-m", "granian", *where, "governance.wsgi:application")
        )
        answers(f"{bank.site}/healthz", web)
        yield bank


@contextmanager
def _process(bank: Installation, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    logs = bank.var / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=bank.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def until(what: str, seconds: float = 120) -> Iterator[None]:
    """Goes on, with a breath in between, until the loop that asks is left. Fails when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.5)
    raise AssertionError(f"{what} did not happen within {seconds:g} seconds.")

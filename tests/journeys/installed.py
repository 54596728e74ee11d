"""An installation as an operator sets one up: tables, keys, people, and the processes that run beside each other."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.journeys.told import ROOT, answers, clean_environment, free_port

STOP_SECONDS = 20
# An operator's commands, in one process: each by itself takes seconds to start.
SET_UP = """
from io import StringIO
from django.core.management import call_command
for words in {commands!r}:
    call_command(*words, stdout=(out := StringIO()))
    if words[:2] == ["accounts", "token"]:
        print(out.getvalue().split()[-1])
"""


@dataclass(frozen=True)
class Installation:
    """A service that runs. `password` tells everybody's password."""

    var: Path
    site: str
    environment: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

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

    def token_of(self, person: str) -> dict[str, str]:
        """The header by which a person or a client system is known."""
        return {"Authorization": f"Token {self.tokens[person]}"}


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
    commands = [["migrate", "--verbosity", "0"], ["keys", "init"], ["protected_key"]]
    for person, role in people.items():
        signs_in = (
            [] if role == "scoring client" else ["--password-from", f"PASSWORD_{person.upper()}"]
        )
        commands.append(["accounts", "add", person, "--role", role, *signs_in])
    commands += [["accounts", "token", person] for person in people]
    said = bank.done("shell", "--verbosity", "0", "--command", SET_UP.format(commands=commands))
    bank.tokens.update(zip(people, said.split()[-len(people) :], strict=True))
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

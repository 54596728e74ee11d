"""Telling the demo as a newcomer does, in a folder of its own, and asking what came of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.tiles import decode_bundle

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 900  # seconds for the whole story, on two busy cores


@dataclass(frozen=True)
class Told:
    """A demo that has ended: how, what it said, and the folder that it left."""

    var: Path
    environment: dict[str, str]
    code: int
    said: str

    @property
    def bundle(self) -> Path:
        return self.var / "demo" / "evidence.zip"

    @property
    def settings(self) -> dict[str, str]:
        """What the demo wrote down for those who come after it, passwords among it."""
        lines = (self.var / "demo.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command of an operator on what the demo left."""
        return _run("manage.py", *words, environment=self.environment)

    def verify(self, bundle: Path) -> dict[str, Any]:
        """What a stranger's verifier says, who holds the log's public key and this one file."""
        policy = self.var.with_name(f"{self.var.name}.policy")
        (log_key, *_) = json.loads((self.var / "keys" / "log.json").read_text())["log_keys"]
        policy.write_text(f"log {log_key['vkey']}\nquorum none\n")
        verifier = str(ROOT / "audit" / "verify.py")
        arguments = [verifier, str(bundle), "--policy", str(policy), "--json"]
        ended = _run("-I", *arguments, environment={})
        report: dict[str, Any] = json.loads(ended.stdout)
        assert ended.returncode == (0 if report["holds"] else 1)
        return report

    @property
    def champion(self) -> int:
        """The number of the version that was promoted last; which it is depends on what else was tried."""
        promoted = [e for e in self.entries() if e["event"] == "registry.version.promoted"]
        return int(promoted[-1]["subject"]["id"].rpartition("/")[2])

    def entries(self) -> list[dict[str, Any]]:
        """Every entry of the log, in order, from the bundle alone."""
        with zipfile.ZipFile(self.bundle) as files:
            names = sorted(name for name in files.namelist() if "/tile/entries/" in name)
            return [
                json.loads(entry) for name in names for entry in decode_bundle(files.read(name))
            ]


def tell(var: Path, *words: str, **environment: str) -> Told:
    """`manage.py demo --no-serve`, in an environment that holds nothing of the tests'."""
    clean = clean_environment() | {"CREDENCE_VAR": str(var), "COLUMNS": "200", **environment}
    arguments = ["manage.py", "demo", "--no-serve", "--port", str(free_port()), *words]
    ended = _run(*arguments, environment=clean)
    return Told(var, clean, ended.returncode, ended.stdout + ended.stderr)


def clean_environment() -> dict[str, str]:
    """What this machine has set, without what belongs to the tests."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CREDENCE_", "DJANGO_"))
        and name not in {"DATABASE_URL", "BROKER_URL", "TEST_BROKERS"}
    }


def _run(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@contextmanager
def serving(told: Told) -> Iterator[str]:
    """The demo's web server on what it left, as the demo itself starts it. Yields its address."""
    port = free_port()
    where = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (told.var / "logs" / "web-again.log").open("ab") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "granian", *where, "governance.wsgi:application"],
            cwd=ROOT,
            env=told.settings | told.environment,
            stdout=log,
            stderr=log,
        )
    try:
        answers(f"http://127.0.0.1:{port}/healthz", web)
        yield f"http://127.0.0.1:{port}"
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(30)


def answers(address: str, process: subprocess.Popen[bytes]) -> None:
    """Waits until the web server answers. Fails where its process ends, or after a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(address, timeout=3).close()
        except OSError:
            assert process.poll() is None, "The web server ended."
            assert time.monotonic() < deadline, "The web server did not answer."
            time.sleep(0.2)
        else:
            return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Runs the tests on the databases and brokers that SERVICES allows: `python -m tests.services test|test-long`.

SERVICES=none      SQLite and files only
SERVICES=auto      PostgreSQL in place of SQLite, RabbitMQ and Redis where they answer; says what it leaves out (the default)
SERVICES=required  fails where one of them does not answer
"""

import os
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg

MODES = ("none", "auto", "required")
POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"
BROKERS = {"RabbitMQ": "amqp://guest:guest@127.0.0.1:5672//", "Redis": "redis://127.0.0.1:6379/0"}


def mode() -> str:
    chosen = os.environ.get("SERVICES", "auto")
    if chosen not in MODES:
        raise SystemExit(f"SERVICES must be one of {', '.join(MODES)}, not {chosen!r}.")
    return chosen


def postgres() -> str | None:
    """The URL of a PostgreSQL that answers, or None."""
    for url in filter(None, [_given_postgres(), POSTGRES, _as_me(POSTGRES)]):
        try:
            psycopg.connect(url, connect_timeout=3).close()
        except psycopg.OperationalError:
            continue
        return url
    return None


def _given_postgres() -> str | None:
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith("postgres") else None


def _as_me(url: str) -> str:
    user = os.environ.get("USER", "root")
    return url.replace("postgres@", f"{user}@").replace("/postgres", f"/{user}")


def brokers() -> dict[str, str]:
    """The brokers that answer, by name."""
    given = os.environ.get("BROKER_URL")
    candidates = {**BROKERS, **({"BROKER_URL": given} if given else {})}
    return {name: url for name, url in candidates.items() if _answers(url)}


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or 5672), timeout=3
        ):
            return True
    except OSError:
        return False


def main(which: str) -> int:
    chosen = mode()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "BROKER_URL"}
    }
    found, queues = (postgres(), brokers()) if chosen != "none" else (None, {})
    environment["TEST_BROKERS"] = " ".join(queues.values())
    absent = [name for name in ("RabbitMQ", "Redis") if name not in queues] + (
        [] if found else ["PostgreSQL"]
    )
    if absent and chosen != "none":
        print(f"Not answering on loopback, so not tested: {', '.join(absent)}.", flush=True)
        if chosen == "required":
            return 1
    failed = 0
    for name, url, selection in runs(which, found):
        print(f"\n-- tests on {name}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "-n2", "--dist=loadgroup", "-m", selection]
        failed |= subprocess.call(
            command, env={**environment, **({"DATABASE_URL": url} if url else {})}
        )
    return failed


def runs(which: str, postgresql: str | None) -> list[tuple[str, str | None, str]]:
    """Database, its URL and which tests: all on PostgreSQL where it answers, else on SQLite; crashes on both."""
    selection = "long" if which == "test-long" else "not long"
    if postgresql is None:
        return [("SQLite", None, selection)]
    whole = ("PostgreSQL", postgresql, selection)
    return [("SQLite", None, "long and crash"), whole] if which == "test-long" else [whole]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

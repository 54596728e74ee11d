"""Where the benchmark runs: a database and folders of its own, made before Django is set up and removed afterwards."""

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests import services


@contextmanager
def own_place() -> Iterator[Path]:
    """Within the block Django runs on an empty, migrated PostgreSQL database; yields the folder of keys and files."""
    server = services.postgres()
    if server is None:
        raise SystemExit("The benchmark needs PostgreSQL: set DATABASE_URL.")
    name = f"credence_benchmark_{uuid.uuid4().hex[:8]}"
    folder = Path(tempfile.mkdtemp(prefix="credence-benchmark-"))
    os.environ.update(
        DJANGO_SETTINGS_MODULE="governance.settings",
        DATABASE_URL=urlunsplit(urlsplit(server)._replace(path=f"/{name}")),
        CREDENCE_SECRET_KEY="of-the-benchmark-and-of-nothing-else",
        CREDENCE_VAR=str(folder),
        CREDENCE_ORIGIN="credence.test/benchmark",
        CREDENCE_LOG_LEVEL="WARNING",
        CREDENCE_DEMO="false",
    )
    _on(server, f'CREATE DATABASE "{name}"')
    try:
        _set_up()
        yield folder
    finally:
        _on(server, f'DROP DATABASE "{name}" WITH (FORCE)')
        shutil.rmtree(folder, ignore_errors=True)


def _set_up() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    print("Migrating a database of its own ...", file=sys.stderr)
    call_command("migrate", verbosity=0)


def _on(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)

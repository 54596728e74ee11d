"""What someone with all rights on the database can do to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


def run(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def drop_triggers(*tables: str) -> None:
    """As the owner of the tables may."""
    for table in tables:
        for name in _triggers(table):
            run(
                f"DROP TRIGGER {name}"
                + (f" ON {table}" if connection.vendor == "postgresql" else "")
            )


def _triggers(table: str) -> list[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table]
            )
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = %s::regclass",
                [table],
            )
        return [row[0] for row in cursor.fetchall()]


@contextmanager
def without_foreign_keys() -> Iterator[None]:
    """Superusers need not care for references."""
    if connection.vendor == "postgresql":
        run("SET CONSTRAINTS ALL IMMEDIATE")
        run("SET LOCAL session_replication_role = replica")
    else:
        run("PRAGMA defer_foreign_keys = ON")
    yield
    if connection.vendor == "postgresql":
        run("SET LOCAL session_replication_role = DEFAULT")

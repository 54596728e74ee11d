"""Rows of one read-only query. The database refuses writes, and this module whatever is not one SELECT.

PostgreSQL: a read-only session, and a server-side cursor, which takes nothing but a query. SQLite: the file is
opened read-only, under an authoriser that lets SELECT read and denies ATTACH, PRAGMA and the rest.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import psycopg

from audit.deferred import deferred
from audit.errors import FieldProblem
from governance.data_files import MOST_CELLS
from governance.errors import QueryRefused, SourceUnavailable
from governance.sources.places import SQLITE, Gathered, SqlSource
from registry.splitting import FrameRows

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = deferred("pandas")

BATCH = 10_000
LONGEST_QUERY_MS = 600_000
"""Ten minutes: our choice, so that a query does not hold a worker for ever."""
_READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


def read_query(source: SqlSource, query: str, at: datetime) -> Gathered:
    """The rows of the query, with its digest and the time. Raises QueryRefused or SourceUnavailable."""
    statement = query.strip().removesuffix(";").strip()
    if not re.match(r"(select|with)\b", statement, re.IGNORECASE):
        raise _refused("Must be one SELECT, or WITH and a SELECT.")
    if ";" in statement:
        raise _refused("Must be one statement, so it holds no semicolon.")
    opened = _sqlite if urlsplit(source.url).scheme == SQLITE else _postgresql
    with opened(source, statement) as cursor:
        columns = [str(column[0]) for column in cursor.description or ()]
        rows = list(_rows(cursor, len(columns)))
    return Gathered(
        FrameRows(pd.DataFrame(rows, columns=columns)),
        {
            "kind": "sql",
            "source": source.name,
            "where": source.where,
            "query_sha256": hashlib.sha256(statement.encode()).hexdigest(),
            "read_at": at.isoformat(),
        },
    )


def _rows(cursor: Any, columns: int) -> Iterator[Sequence[Any]]:
    count = 0
    while batch := cursor.fetchmany(BATCH):
        count += len(batch)
        if count * columns > MOST_CELLS:
            raise _refused(f"Gives more than {MOST_CELLS:,} values (rows times columns).")
        yield from batch


@contextmanager
def _postgresql(source: SqlSource, statement: str) -> Iterator[Any]:
    try:
        connection = psycopg.connect(source.url, connect_timeout=10)
    except psycopg.Error:
        raise _unavailable(source) from None
    with closing(connection):
        connection.read_only = True
        try:
            connection.execute(f"SET statement_timeout = {LONGEST_QUERY_MS}")
            with connection.cursor(name="intake") as cursor:
                cursor.execute(statement.encode())
                yield cursor
        except psycopg.Error as problem:
            raise _refused(f"The database refused it: {type(problem).__name__}.") from None


@contextmanager
def _sqlite(source: SqlSource, statement: str) -> Iterator[Any]:
    path = urlsplit(source.url).path.removeprefix("/")
    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)
    except sqlite3.Error:
        raise _unavailable(source) from None
    with closing(connection):
        connection.set_authorizer(
            lambda operation, *names: (
                sqlite3.SQLITE_OK if operation in _READS else sqlite3.SQLITE_DENY
            )
        )
        ends = monotonic() + LONGEST_QUERY_MS / 1000
        connection.set_progress_handler(lambda: monotonic() > ends, 100_000)
        try:
            yield connection.execute(statement)
        except sqlite3.Error as problem:
            raise _refused(f"The database refused it: {type(problem).__name__}.") from None


def _refused(detail: str) -> QueryRefused:
    return QueryRefused(
        "The query is not carried out.", errors=[FieldProblem("query", "refused", detail)]
    )


def _unavailable(source: SqlSource) -> SourceUnavailable:
    # The driver's own words hold the address.
    return SourceUnavailable(f"The source {source.name} does not answer.")

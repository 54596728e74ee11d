"""The rows of a file or of a configured source, with where they came from."""

from datetime import datetime
from typing import IO

from django.conf import settings

from audit.digests import sha256_of
from audit.errors import FieldProblem
from governance.data_files import FileRows
from governance.errors import SourceOfAnotherKind
from governance.sources.places import Gathered, SqlSource, source_named
from governance.sources.sql import read_query


def from_file(file: IO[bytes], filename: str, at: datetime) -> Gathered:
    """The rows of a file that stays open, and can be read again, as long as they are used."""
    return Gathered(
        FileRows(file),
        {
            "kind": "file",
            "where": filename,
            "sha256": sha256_of(file),
            "read_at": at.isoformat(),
        },
    )


def from_source(name: str, query: str, key: str, at: datetime) -> Gathered:
    """What a database gives for the query, or a bucket for the key; the other of the two is empty.

    Raises NoSuchSource, SourcesMalformed, SourceOfAnotherKind, SourceUnavailable, QueryRefused, ObjectRefused or
    UnreadableFile.
    """
    source = source_named(name, settings.CREDENCE_SOURCES)
    if isinstance(source, SqlSource):
        if key:
            raise _of_another_kind("key", "A database is asked by a query.")
        return read_query(source, query, at)
    if query:
        raise _of_another_kind("query", "A bucket is asked by a key.")
    from governance.sources.s3 import (
        read_object,
    )  # brings boto3, which nothing else in a web process needs

    return read_object(source, key, at)


def _of_another_kind(field: str, detail: str) -> SourceOfAnotherKind:
    return SourceOfAnotherKind(
        "The source is of another kind.", errors=[FieldProblem(field, "not_taken", detail)]
    )

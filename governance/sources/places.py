"""The connections that an operator named: `CREDENCE_SOURCES` is a TOML file, and nobody else says where data come from. Pure."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import urlsplit

from audit.errors import FieldProblem
from governance.errors import NoSuchSource, SourcesMalformed
from registry.splitting import Rows

POSTGRESQL = ("postgres", "postgresql")
SQLITE = "sqlite"


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A database of which SELECT alone is asked. `url` may hold a password and is shown to nobody."""

    name: str
    url: str = field(repr=False)

    @property
    def where(self) -> str:
        """Server and database, without user and password."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


@dataclass(frozen=True, slots=True)
class S3Source:
    """A prefix of a bucket. Credentials come from where AWS's tools look for them."""

    name: str
    bucket: str
    prefix: str
    endpoint: str = ""

    def key(self, below: str) -> str:
        """The whole key of an object that is named below the prefix."""
        return f"{self.prefix}/{below}" if self.prefix else below


Source = SqlSource | S3Source


@dataclass(frozen=True, slots=True)
class Gathered:
    """The rows of a source, and where exactly they came from. `file` is what a source was copied to; it goes at the end."""

    rows: Rows
    origin: dict[str, Any]
    file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        if self.file is not None:
            self.file.close()


def source_named(name: str, path: Path | None) -> Source:
    """Raises NoSuchSource, or SourcesMalformed where the operator's file cannot be used."""
    sources = read_sources(path)
    if name not in sources:
        raise NoSuchSource(
            "No source of that name is configured.",
            errors=[FieldProblem("source", "unknown", "Not named in the operator's sources.")],
        )
    return sources[name]


def read_sources(path: Path | None) -> dict[str, Source]:
    """Every source by its name; none without a file. Raises SourcesMalformed, which tells the name and never the address."""
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise SourcesMalformed("CREDENCE_SOURCES names no readable TOML file.") from None
    return {name: _source(name, table) for name, table in document.items()}


def _source(name: str, table: object) -> Source:
    if isinstance(table, dict):
        match table:
            case {"kind": "sql", "url": str(url), **rest} if not rest:
                if urlsplit(url).scheme in (*POSTGRESQL, SQLITE):
                    return SqlSource(name, url)
            case {"kind": "s3", "place": str(place), **rest} if set(rest) <= {"endpoint"}:
                parts = urlsplit(place)
                if parts.scheme == "s3" and parts.netloc:
                    endpoint = str(rest.get("endpoint", ""))
                    return S3Source(name, parts.netloc, parts.path.strip("/"), endpoint)
    raise SourcesMalformed(
        f"The source {name} must have kind = 'sql' with a url of PostgreSQL or SQLite, "
        "or kind = 's3' with a place s3://bucket/prefix and, if need be, an endpoint."
    )

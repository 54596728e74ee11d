"""Feature tables from a terminal: define them, and record the rows of a file."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from audit.command_base import ActCommand, NoSuchUser
from audit.errors import FieldProblem, InvalidInput
from governance.data_files import read_data_file
from registry import feature_tables
from registry.actions.feature_tables import MOST_AT_ONCE, define_feature_table, record_features
from registry.contract import FeatureContract
from registry.models import FeatureTable

OWN = ("subject_ref", "event_at", "created_at")


class Command(ActCommand):
    help = "Define a feature table from a TOML file, record the rows of a CSV or Parquet file, or list the tables."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        does = parser.add_subparsers(dest="does", required=True)
        define = does.add_parser("define", help="another version of a table; prints its reference")
        define.add_argument("file", type=Path, help="TOML; docs/features.md has one to start from")
        record = does.add_parser("record", help=f"{', '.join(OWN)} (optional) and the features")
        record.add_argument("table", help="NAME or NAME/VERSION; without one the newest")
        record.add_argument("file", type=Path, help="CSV or Parquet")
        does.add_parser("list", help="the tables and their newest rows")

    def act(self, *, by: User, **options: Any) -> None:
        match options["does"]:
            case "define":
                table = _defined(_read(options["file"]), by)
                self.console.print(f"Defined {table}.", soft_wrap=True)
            case "record":
                self._record(options["table"], options["file"], by)
            case "list":
                for table in feature_tables.feature_tables():
                    newest = table.ingests.order_by("-newest_event_at").first()
                    said = f"newest event {newest.newest_event_at}" if newest else "no rows"
                    self.console.print(f"{table}: {said}", soft_wrap=True)

    def _record(self, reference: str, file: Path, by: User) -> None:
        """In batches, each an act of its own: where one is refused, those before it stay."""
        name, _, version = reference.partition("/")
        table = feature_tables.table_named(name, int(version) if version.isdigit() else None)
        frame = read_data_file(_read(file))
        taken = 0
        with self.working("Recording") as say:
            for start in range(0, max(len(frame), 1), MOST_AT_ONCE):
                some = frame.iloc[start : start + MOST_AT_ONCE]
                ingest = record_features(table, list(_documents(some, table)), file.name, by=by)
                taken += ingest.rows
                say(f"Recorded {taken:,} of {len(frame):,}")
        self.console.print(f"{table} took {taken:,} rows.", soft_wrap=True)


def _defined(data: bytes, by: User) -> FeatureTable:
    try:
        document = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong("file", "Must be TOML in UTF-8.") from error
    known = ("name", "ttl_seconds", "client", "source", "protected_columns", "features")
    problems = [
        FieldProblem(key, "unexpected", "Unknown key.") for key in document if key not in known
    ]
    kinds: dict[str, type] = {"name": str, "ttl_seconds": int, "client": str, "source": str, "features": dict}  # fmt: skip
    problems += [
        FieldProblem(key, "wrong_type", f"Is required; a {kind.__name__}.")
        for key, kind in kinds.items()
        if not isinstance(document.get(key), kind)
    ]
    if problems:
        raise InvalidInput("The file defines no table; see below.", errors=problems)
    client = User.objects.filter(username=document["client"]).first()
    if client is None:
        raise NoSuchUser(f"There is no user {document['client']!r}.")
    features = [{"name": name, **entry} for name, entry in document["features"].items()]
    return define_feature_table(
        document["name"],
        {"features": features},
        document["ttl_seconds"],
        client,
        document["source"],
        document.get("protected_columns", ()),
        by=by,
    )


def _documents(frame: pd.DataFrame, table: FeatureTable) -> Iterator[dict[str, Any]]:
    """Rows of a file as the act takes them. A file knows no types of ours: whole floats become integers where the
    table wants those, 0 and 1 become truth values, numbers of people become their digits."""
    types = {f.name: f.type for f in FeatureContract.from_json(table.features).features}
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        members = {name: _moment_or_text(row[name]) for name in OWN if row.get(name) is not None}
        features = {
            str(name): _typed(value, types.get(str(name)))
            for name, value in row.items()
            if name not in OWN
        }
        yield {**members, "features": features}


def _moment_or_text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _typed(value: Any, kind: str | None) -> Any:
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "boolean" and value in (0, 1):
        return bool(value)
    return value


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _wrong("file", f"Cannot be read: {error.strerror}.") from error


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(
        "Nothing was done; see below.", errors=[FieldProblem(field, "unreadable", detail)]
    )

"""Take in a data set from a file, a database or a bucket; or see what would come of it."""

import tomllib
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.table import Table

from audit.command_base import ActCommand
from governance.actions.intake import take_in_dataset, take_in_from_source
from governance.queries.intake import IntakeRehearsal, rehearse_intake
from governance.sources.gathering import from_file, from_source
from registry.expectations import Expectation, read_expectations


class Command(ActCommand):
    help = "Take in a data set from a file, or from a source that CREDENCE_SOURCES names."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--describe", required=True, metavar="FILE.toml", type=Path)
        parser.add_argument("--source", metavar="NAME", help="a configured source")
        asked = parser.add_mutually_exclusive_group(required=True)
        asked.add_argument("--file", metavar="FILE", type=Path, help="CSV or Parquet")
        asked.add_argument("--query", metavar="SQL", help="one SELECT, of a database")
        asked.add_argument("--key", metavar="KEY", help="an object below a bucket's prefix")
        parser.add_argument("--dry-run", action="store_true", help="check, and write nothing")
        parser.add_argument(
            "--expectations",
            metavar="FILE.toml",
            type=Path,
            help="with --dry-run: try these in the place of those in force",
        )

    def act(self, *, by: User, **options: Any) -> None:
        name, source, file = options["name"], options["source"], options["file"]
        query, key = options["query"] or "", options["key"] or ""
        if (file is None) != bool(source):
            raise CommandError("--query and --key need --source; --file takes none.")
        if options["expectations"] and not options["dry_run"]:
            raise CommandError("--expectations is for --dry-run: others adopt a policy first.")
        description = _text(options["describe"])
        with _opened(file) if file else nullcontext() as data:
            if options["dry_run"]:
                now = timezone.now()
                gather = (
                    partial(from_file, data, file.name, now)
                    if data
                    else partial(from_source, source, query, key, now)
                )
                tried = _expectations(options["expectations"]) if options["expectations"] else []
                found = rehearse_intake(name, gather, description, now, reader=by, tried=tried)
                self._show(found)
                return
            dataset = (
                take_in_dataset(name, data, file.name, description, by=by)
                if data
                else take_in_from_source(name, source, description, query=query, key=key, by=by)
            )
        self.console.print(f"{dataset}: {dataset.rows} rows, number {dataset.pk}.")

    def _show(self, found: IntakeRehearsal) -> None:
        where = f"{found.origin['kind']} {found.origin['where']}"
        table = Table("column", "check", "", "found", "expected", title=where)
        for check in found.checks:
            if not check.passed:
                table.add_row(check.field, check.check, "blocks", check.observed, check.expected)
        for one in found.expectations:
            state = "pass" if one.passed else "blocks" if one.blocking else "fails"
            table.add_row(one.column, one.check, state, one.why, one.limit)
        self.console.print(table)
        failed = sum(not check.passed for check in found.checks)
        self.console.print(
            f"{found.rows} rows; {len(found.checks) - failed} of {len(found.checks)} checks of the contract pass; "
            f"expectations: {found.policy}. Nothing was written."
        )
        if not found.would_be_taken_in:
            raise CommandError("The data set would be refused.")


def _expectations(path: Path) -> list[Expectation]:
    try:
        return read_expectations(tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as problem:
        raise CommandError(f"{path} is not TOML: {problem}.") from problem


def _text(path: Path) -> str:
    try:
        with _opened(path) as file:
            return file.read().decode()
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not a text in UTF-8.") from None


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as problem:
        raise CommandError(f"{path} cannot be read: {problem.strerror}.") from problem

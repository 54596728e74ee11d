"""Have every application of a file decided, with its explanation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from audit.command_base import ActCommand
from serving.scored_files import Tally, check_file, read_through, score_file


class Command(ActCommand):
    help = (
        "Decide the applications of a file (CSV, Parquet or NDJSON) with explanations, in the name of --as USER. "
        "A run that was broken off goes on where it was when the same command is given again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("file", type=Path, metavar="FILE.(csv|parquet|ndjson)")
        parser.add_argument("--out", type=Path, metavar="FILE", help="the answers, as NDJSON")
        parser.add_argument("--dry-run", action="store_true", help="check, and decide nothing")

    def act(self, *, by: User, **options: Any) -> None:
        try:
            file = read_through(options["model"], options["file"])
            with self._progress(file.rows) as seen:
                tally = (
                    check_file(file, seen=seen)
                    if options["dry_run"]
                    else score_file(file, options["out"], by=by, seen=seen)
                )
        except OSError as problem:
            raise CommandError(f"{problem.filename}: {problem.strerror}.") from problem
        self._show(tally, "valid" if options["dry_run"] else "decided")
        if options["dry_run"] and tally.refused:
            raise CommandError("These rows would be refused.")

    @contextmanager
    def _progress(self, rows: int) -> Iterator[Callable[[int], None]]:
        """On a terminal a bar; what it yields moves it on by so many rows."""
        bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        with bar:
            task = bar.add_task("", total=rows)
            yield lambda count: bar.advance(task, count)

    def _show(self, tally: Tally, word: str) -> None:
        if tally.problems:
            table = Table("row", "column", "what is wrong", title="The first rows refused")
            for row, problem in tally.problems:
                table.add_row(str(row), problem.field, problem.detail)
            self.console.print(table)
        kept = f" {tally.kept} of them were answered before." if tally.kept else ""
        self.console.print(
            f"{tally.rows} rows: {tally.decided} {word}, {tally.refused} refused.{kept}"
        )

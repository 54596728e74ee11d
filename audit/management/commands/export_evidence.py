"""An evidence bundle for a regulator, built here and now."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audit.actions.exports import record_taken, request_export
from audit.bundle import OWNER_ALONE
from audit.command_base import ActCommand
from audit.export import build_export, bundle_path
from audit.queries import service_account
from audit.scope import Scope


class Command(ActCommand):
    help = (
        "Write an evidence bundle: the whole log, or what --model, --from, --to and --decision narrow it to, with the hashes "
        "that prove it. Private payloads are disclosed where decisions are named, or both days and at most 92 of them, "
        "and the one who asks may: someone with that role, named by --as."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
        parser.add_argument("--model", metavar="NAME", help="only entries about this model")
        parser.add_argument(
            "--from",
            dest="begin",
            type=day,
            metavar="DAY",
            help="first day, as 2026-01-31, in UTC",
        )
        parser.add_argument("--to", dest="end", type=day, metavar="DAY", help="last day, included")
        parser.add_argument(
            "--decision",
            dest="decisions",
            action="append",
            default=[],
            metavar="ID",
            help="may be repeated",
        )
        parser.add_argument(
            "--whole",
            action="store_true",
            help="keep the whole log in the bundle, whatever it lists and discloses",
        )

    def act(self, *, by: User, **options: Any) -> None:
        out: Path = options["out"]
        if not out.parent.is_dir():
            raise CommandError(f"There is no folder {out.parent}.")
        scope = Scope(
            options["model"],
            options["begin"],
            options["end"],
            tuple(options["decisions"]),
            options["whole"],
        )
        export = request_export(scope, by=by, build=False)
        with self._progress() as progress:
            task = progress.add_task("Copying the log", total=None)
            built = build_export(
                export,
                by=service_account("archiver"),
                on_step=lambda what, done, total: progress.update(
                    task, completed=done, total=total
                ),
            )
        out.touch(mode=OWNER_ALONE)
        out.chmod(OWNER_ALONE)
        shutil.copyfile(bundle_path(export), out)
        if export.scope["disclose"]:
            record_taken(export.pk, by=by)
        self.console.print(
            f"[bold]{out}[/]: {built.files:,} files, {built.size / 1e6:,.2f} MB, "
            f"{'a part of the log' if scope.leaves_out else 'the whole log'} at {built.tree_size:,} entries."
        )
        self.console.print(f"SHA-256 {built.sha256}", soft_wrap=True)
        self.console.print(
            self._disclosure(export.scope["disclose"], built.disclosed, built.erased)
        )
        self.console.print(f"Check it with: python audit/verify.py {out}", soft_wrap=True)

    def _disclosure(self, disclose: bool, disclosed: int, erased: int) -> str:
        if not disclose:
            return "No private payload is disclosed in it."
        gone = f"; {erased:,} more cannot be, because the person was erased" if erased else ""
        return f"{disclosed:,} private payloads are disclosed in it, each with the key of its entry{gone}."

    def _progress(self) -> Progress:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        return Progress(
            *columns, console=self.console, transient=True, disable=not self.console.is_terminal
        )


def day(text: str) -> date:
    return date.fromisoformat(text)

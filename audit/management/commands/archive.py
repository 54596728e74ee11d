"""One pass of archiving."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from rich.table import Table

from audit.archive.passes import archive_pass, planned_epochs
from audit.command_base import ActCommand


class Command(ActCommand):
    help = (
        "Close what was published since the last pass, copy it to the archive, read it back and compare it. "
        "An archive in S3 locks each object in COMPLIANCE mode: nobody can delete it before its date. See --dry-run."
    )
    account = "archiver"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="show which epochs would be written and until when they would be locked; write nothing",
        )

    def act(self, *, by: User, **options: Any) -> None:
        if options["dry_run"]:
            self._show_plan()
            return
        with self.working("Archiving") as say:
            done = archive_pass(by=by, on_object=lambda key: say(f"Archiving {key}"))
        if not done.objects:
            self.console.print(
                f"Nothing new: the archive holds {done.origin} at {done.tree_size:,}."
            )
            return
        self.console.print(
            f"Archived {done.epochs:,} epochs in {done.objects:,} objects ({done.size / 1e6:,.2f} MB), read back and "
            f"compared. The archive holds {done.origin} at {done.tree_size:,} entries."
        )

    def _show_plan(self) -> None:
        table = Table("Log", "Entries", "About", "Locked until", title="A pass would write")
        for epoch in planned_epochs():
            table.add_row(
                epoch.origin,
                f"{epoch.first:,} to {epoch.last:,}",
                f"{epoch.size / 1e6:,.2f} MB",
                f"{epoch.locked_until:%Y-%m-%d}",
            )
        if table.row_count:
            self.console.print(table)
        else:
            self.console.print("Nothing new: a pass would write nothing.")

"""The end of retention, by hand."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from audit.command_base import ActCommand
from audit.ending import review_retention
from audit.weighing import Facts


class Command(ActCommand):
    help = (
        "Erase everybody whose retention has ended and whom no legal hold covers. A scheduled task does the same every "
        "day; --dry-run shows who would go, and changes nothing."
    )
    account = "archiver"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="show, and change nothing")

    def act(self, *, by: User, **options: Any) -> None:
        dry = options["dry_run"]
        with self.working("Looking at everybody whose period may be over"):
            found = review_retention(by=by, dry_run=dry, on_person=self._show if dry else None)
        would = "would be erased" if dry else "were erased"
        self.console.print(
            f"{found.seen:,} people looked at: {found.ended:,} {would}, {found.held:,} are under legal hold, "
            f"{found.unknown:,} are kept because nobody knows since when their period counts."
        )
        if dry:
            self.console.print("Nothing was changed.")

    def _show(self, facts: Facts) -> None:
        held = ", ".join(sorted({hold.matter for hold in facts.covering}))
        self.console.print(
            f"  {facts.subject_id}: retention ended on {facts.ends_on}"
            + (f"; held for {held}" if held else "")
        )

"""A full check of the log: the database, the tree and the archive."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from audit.command_base import ActCommand
from audit.verification import verify_log


class Command(ActCommand):
    help = (
        "Check every entry, the tree, the signatures and the archive, and record the outcome. "
        "Exit code 1 when anything does not hold."
    )

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Verifying") as say:
            found = verify_log(by=by, on_step=lambda name: say(f"Verifying {name}"))
        self.console.print(f"[bold]{found.origin}[/] at {found.tree_size:,} entries\n")
        for name, summary, problems in found.checks:
            outcome = "[red]FAILED[/]" if problems else "[green]ok[/]    "
            self.console.print(
                f"  {outcome}  {name:<9} {'' if problems else summary}", soft_wrap=True
            )
            for problem in problems:
                self.console.print(f"            [red]-[/] {problem}", markup=True, soft_wrap=True)
        for remark in found.remarks:
            self.console.print(f"  [yellow]note[/]    {remark}", soft_wrap=True)
        if found.problems:
            raise CommandError(f"The log does not hold: {len(found.problems)} problems.")
        self.console.print("\nEverything holds.")

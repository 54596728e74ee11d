"""Show which measured versions a gate policy would have blocked. Reads, and changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.table import Table

from audit.command_base import described
from audit.errors import Refusal
from governance.queries.rehearsals import Rehearsal, rehearsals
from registry.queries import model_named, policy_with


class Command(BaseCommand):
    help = (
        "Show which measured versions a gate policy would have blocked, beside the policy in force."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("policy", type=int, help="number of the policy, as REST shows it")
        parser.add_argument("--model", help="only versions of this model")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            policy = policy_with(options["policy"])
            model = model_named(options["model"]) if options["model"] else None
            found = rehearsals(policy, timezone.now(), model)
        except Refusal as refusal:
            raise CommandError(described(refusal)) from refusal
        table = Table(
            "version", "would", "blocked by", "not measured", "in force", title=str(policy)
        )
        for rehearsal in found:
            table.add_row(*_row(rehearsal))
        Console(file=self.stdout, highlight=False).print(table)  # type: ignore[arg-type]  # writes text


def _row(rehearsal: Rehearsal) -> tuple[str, ...]:
    now = {True: "passes", False: "blocked", None: "no policy"}[rehearsal.passes_in_force]
    by = ", ".join(rehearsal.blocked_in_force_by)
    return (
        str(rehearsal.report.version),
        "pass" if rehearsal.passes else "be blocked",
        ", ".join(rehearsal.blocked_by),
        ", ".join(rehearsal.not_measured),
        f"{now} ({by})" if by else now,
    )

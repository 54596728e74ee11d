"""Show which measured versions a gate policy would have blocked. Reads, and changes nothing."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils import timezone
from rich.table import Table

from audit.action import require
from audit.command_base import ActCommand
from governance.queries.rehearsals import Rehearsal, rehearsals
from registry.queries import model_named, policy_with


class Command(ActCommand):
    help = (
        "Show which measured versions a gate policy would have blocked, beside the policy in force."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("policy", type=int, help="number of the policy, as REST shows it")
        parser.add_argument("--model", help="only versions of this model")

    def act(self, *, by: User, **options: Any) -> None:
        require(by, "governance.view_gatereport")
        policy = policy_with(options["policy"])
        model = model_named(options["model"]) if options["model"] else None
        found = rehearsals(policy, timezone.now(), model)
        table = Table(
            "version", "would", "blocked by", "not measured", "in force", title=str(policy)
        )
        for rehearsal in found:
            table.add_row(*_row(rehearsal))
        self.console.print(table)


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

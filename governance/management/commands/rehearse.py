"""Show what a gate or decision policy would have meant for versions and decisions of the past. Reads, and changes nothing."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from rich.table import Table

from audit.action import require
from audit.command_base import ActCommand
from governance.queries.decision_rehearsals import blocked_decisions, rejudged
from governance.queries.rehearsals import Rehearsal, rehearsals
from registry.models import Policy, ScoringModel
from registry.moments import moment
from registry.queries import model_named, policy_with


class Command(ActCommand):
    help = (
        "Show which measured versions a gate policy would have blocked, beside the policy in force, and which of their decisions;"
        " or how a decision policy would have decided a model's past applications."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("policy", type=int, help="number of the policy, as REST shows it")
        parser.add_argument(
            "--model", help="only this model; a decision policy is rehearsed on one"
        )
        parser.add_argument("--since", help="only decisions from this time on (ISO 8601)")
        parser.add_argument("--until", help="only decisions before this time (ISO 8601)")

    def act(self, *, by: User, **options: Any) -> None:
        require(by, "governance.view_gatereport")
        policy = policy_with(options["policy"])
        model = model_named(options["model"]) if options["model"] else None
        period = [
            moment(options[name], name) if options[name] else None for name in ("since", "until")
        ]
        if policy.kind == Policy.Kind.DECISION:
            self._decisions(policy, model, *period)
            return
        found = rehearsals(policy, timezone.now(), model)
        table = Table(
            "version", "would", "blocked by", "not measured", "in force", title=str(policy)
        )
        for rehearsal in found:
            table.add_row(*_row(rehearsal))
        self.console.print(table)
        decided = Table("version", "month", "outcome", "decisions", title="by blocked versions")
        for row in blocked_decisions(found, *period):
            decided.add_row(
                f"{row.model} v{row.version}", row.month, row.outcome, f"{row.decisions:,}"
            )
        self.console.print(decided)

    def _decisions(
        self,
        policy: Policy,
        model: ScoringModel | None,
        start: datetime | None,
        end: datetime | None,
    ) -> None:
        if model is None:
            raise CommandError("A decision policy is rehearsed on one model: name it with --model.")
        found = rejudged(policy, model, start, end)
        table = Table("was", "would be", "decisions", title=f"{policy} on {model}")
        for row in found.rows:
            table.add_row(row["before"], row["after"], f"{row['decisions']:,}")
        self.console.print(table)
        self.console.print(
            f"{found.changed:,} of {found.judged:,} decisions would change. Not looked at: {found.erased:,} of erased and"
            f" {found.restricted:,} of restricted persons, {found.not_judged:,} without a feature that the policy asks for."
        )


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

"""Judge a decision again from its record, and say what differs."""

import json
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from audit.action import holds
from audit.command_base import ActCommand
from audit.errors import Refusal
from serving.actions.replays import Replayed, replay_decision
from serving.answers import SEES_VALUES, replay_answer
from serving.models import Replay

EXIT_CODES: dict[str, int] = {Replay.Result.DIFFERENT: 1, Replay.Result.IMPOSSIBLE: 2}


class Command(ActCommand):
    help = (
        "Judge a decision again by the archived artefact, baseline, policy and reason library that its entry names. Exit code 0 "
        "where everything is equal, 1 where something differs, 2 where it could not be judged. Values are shown to a person "
        "who may see what applicants said: --as USER."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("decision", type=UUID, help="the decision's identifier")
        parser.add_argument("--json", action="store_true", help="print what REST answers")

    def handle(self, *args: Any, **options: Any) -> None:
        """A refusal is no difference: nothing was judged."""
        try:
            super().handle(*args, **options)
        except CommandError as error:
            if isinstance(error.__cause__, Refusal):
                error.returncode = 2
            raise

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Judging again"):
            replayed = replay_decision(options["decision"], by=by)
        with_values = holds(by, SEES_VALUES)
        if options["json"]:
            answer = replay_answer(replayed.row, replayed.differences, with_values)
            self.stdout.write(json.dumps(answer, indent=2))
        else:
            self._show(replayed, with_values)
        if code := EXIT_CODES.get(replayed.row.result):
            raise CommandError(
                f"The decision is {replayed.row.get_result_display()}.", returncode=code
            )

    def _show(self, replayed: Replayed, with_values: bool) -> None:
        row = replayed.row
        if row.result == Replay.Result.EQUAL:
            said = "Equal: score, attributions, outcome and reasons came out to the last bit as recorded."
            self.console.print(said, soft_wrap=True)
        if row.reason:
            self.console.print(row.reason, soft_wrap=True)
        if replayed.differences:
            table = Table(
                "field", "recorded", "found", "apart", title=f"decision {row.decision_id}"
            )
            for one in replayed.differences:
                values = (repr(one.recorded), repr(one.found)) if with_values else ("-", "-")
                table.add_row(one.field, *values, "-" if one.apart is None else f"{one.apart:.3g}")
            self.console.print(table)
        self.console.print(f"judged by     {_listed(row.packages['now'])}", soft_wrap=True)
        if then := row.packages["trained_with"]:
            self.console.print(f"trained with  {_listed(then)}", soft_wrap=True)
        self.console.print(f"entry         {row.entry_id}", soft_wrap=True)


def _listed(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())

"""Train a run again from its record, and say whether the same model came of it."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from audit.command_base import ActCommand
from registry.execution import reproduce_run
from registry.models import Reproduction

IN_WORDS = {
    Reproduction.Verdict.SAME_BYTES: "The same model, byte for byte.",
    Reproduction.Verdict.SAME_CONTENT: "The same model: parameters and arrays are equal, and only the bytes of the container differ.",
    Reproduction.Verdict.DIFFERENT: "Another model.",
}


class Command(ActCommand):
    help = (
        "Train a finished run again from its record (data, algorithm, parameters, seed) and compare. Exit code 1 where "
        "another model came of it. People do this in their own name: --as USER."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("run", type=UUID, help="the run's identifier")

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Training again"):
            found = reproduce_run(options["run"], by=by)
        self.console.print(IN_WORDS[Reproduction.Verdict(found.verdict)], soft_wrap=True)
        self.console.print(f"content_sha256  recorded {found.run.content_sha256}", soft_wrap=True)
        self.console.print(f"                found    {found.content_sha256}", soft_wrap=True)
        self.console.print(f"AUC on the holdout changed by {found.holdout_auc_change:+.6f}.")
        for change in found.environment_changes:
            self.console.print(f"  {change}", soft_wrap=True)
        if found.verdict == Reproduction.Verdict.DIFFERENT:
            raise CommandError("The run was not reproduced.")

"""Open a retraining case by hand, and run it until people must decide."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from audit.command_base import ActCommand
from audit.queries import service_account
from governance import retraining
from governance.actions.cases import open_case
from governance.queries.cases import BY_HAND, case_with
from registry.queries import model_named


class Command(ActCommand):
    help = "Open a retraining case of a model and run it until it waits, stops or is closed."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("--reason", required=True)

    def act(self, *, by: User, **options: Any) -> None:
        case = open_case(model_named(options["model"]), BY_HAND, options["reason"], by=by)
        self.console.print(f"Case {case.pk}, due {case.due_at:%Y-%m-%d %H:%M} UTC.")
        retraining.advance(case.pk, by=service_account("retrainer"))
        case = case_with(case.pk)
        for step in case.steps.all():
            self.console.print(f"  {step.step}: {step.outcome or step.detail}", soft_wrap=True)
        self.console.print(f"The case is {case.get_state_display()}.")

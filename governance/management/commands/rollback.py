"""Go back to the former champion."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.utils import timezone

from audit.command_base import ActCommand
from governance.deciding import go_back
from governance.queries.rollbacks import way_back
from registry.queries import model_named


class Command(ActCommand):
    help = (
        "Put a model's former champion in the place of the champion, at once. "
        "It takes an approver (--as USER) who did not build it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and do nothing"
        )

    def act(self, *, by: User, **options: Any) -> None:
        model = model_named(options["model"])
        if options["dry_run"]:
            way = way_back(model, timezone.now())
            said = f"Would go from {way.champion} back to {way.former}. Nothing was changed."
        else:
            said = f"Went from {go_back(model, options['reason'], by=by)}."
        self.console.print(said, soft_wrap=True)

"""Keys of the log: make the first ones, list them all."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from rich.table import Table

from audit import keys, sequencer
from audit.actions.keys import open_log
from audit.command_base import ActCommand


class Command(ActCommand):
    help = "Make the keys of a new log (init), or list the keys (list)."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subcommand", choices=["init", "list"])
        parser.add_argument(
            "--origin",
            help="name of the log (default: CREDENCE_ORIGIN and the year)",
        )

        parser.add_argument(
            "--if-missing",
            action="store_true",
            help="with init: leave the keys alone where there are some, and succeed",
        )

    def act(self, *, by: User, **options: Any) -> None:
        wanted = options["subcommand"] == "init"
        if wanted and not (options["if_missing"] and keys.present()):
            origin = options["origin"] or f"{settings.CREDENCE_ORIGIN}/{datetime.now(UTC).year}"
            open_log(origin, by=by)
            result = sequencer.seal(origin)
            self.console.print(f"Opened [bold]{origin}[/] and sealed {result.entries} entries.")
            self.console.print(
                "Give the public log key to whoever is to check this log one day, by another way:"
            )
        self._show()

    def _show(self) -> None:
        vkey = keys.log_vkey()
        self.console.print(f"\n  {vkey}\n", soft_wrap=True)
        self.console.print(f"SHA-256 of that line: {keys.fingerprint(vkey)}\n", soft_wrap=True)
        table = Table(title="Delegations", title_justify="left")
        table.add_column("producer key", overflow="fold")
        table.add_column("valid from", no_wrap=True)
        table.add_column("until", no_wrap=True)
        for key_id, delegation in sorted(
            keys.delegations().items(), key=lambda item: item[1].not_before
        ):
            table.add_row(
                key_id,
                f"{delegation.not_before:%Y-%m-%d %H:%M} UTC",
                f"{delegation.not_after:%Y-%m-%d %H:%M} UTC",
            )
        self.console.print(table)

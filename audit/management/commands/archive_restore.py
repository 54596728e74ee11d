"""Restores from cold storage: ask, look, fetch."""

from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from rich.table import Table

from audit.archive.restores import ask_for_restores, fetch_restored, poll_restores
from audit.command_base import ActCommand
from audit.models import RestoreRequest


class Command(ActCommand):
    help = (
        "Without arguments: restores on their way, and when they are expected. "
        "With --key, --from or --to: ask for objects in cold storage. With --fetch: copy a restored object, compared."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--key", action="append", metavar="KEY", help="an object; may be given again"
        )
        parser.add_argument(
            "--from",
            dest="first_on",
            type=_day,
            metavar="DAY",
            help="epochs closed from this day on",
        )
        parser.add_argument(
            "--to", dest="last_on", type=_day, metavar="DAY", help="epochs closed until this day"
        )
        parser.add_argument(
            "--tier",
            choices=RestoreRequest.Tier.values,
            default="standard",
            help="how fast (standard); Deep Archive knows no expedited",
        )
        parser.add_argument(
            "--days", type=int, default=14, help="how long the copy can be read (14)"
        )
        parser.add_argument("--reason", default="", help="what it is needed for; goes into the log")
        parser.add_argument("--poll", action="store_true", help="look now how far the restores are")
        parser.add_argument(
            "--fetch", type=UUID, metavar="ID", help="copy a restored object into --out"
        )
        parser.add_argument("--out", type=Path, default=Path(), help="the folder for --fetch (here)")  # fmt: skip

    def act(self, *, by: User, **options: Any) -> None:
        if options["fetch"]:
            path = fetch_restored(options["fetch"], options["out"], by=by)
            self.console.print(f"Fetched {path}: the bytes are those that were archived.")
            return
        if options["key"] or options["first_on"] or options["last_on"]:
            asked = ask_for_restores(
                by=by, tier=options["tier"], days=options["days"], reason=options["reason"],
                keys=options["key"], first_on=options["first_on"], last_on=options["last_on"],
            )  # fmt: skip
            self.console.print(f"Asked for {len(asked):,} objects.")
        if options["poll"]:
            poll_restores(by=by)
        self._show()

    def _show(self) -> None:
        requests = RestoreRequest.objects.select_related("archived")[:50]
        table = Table("Id", "Object", "State", "Tier", "Expected", "Until")
        for request in requests:
            expires = f"{request.expires_at:%Y-%m-%d %H:%M}" if request.expires_at else "-"
            table.add_row(
                str(request.pk), request.archived.key, request.state, request.tier,
                f"{request.expected_at:%Y-%m-%d %H:%M}", request.refusal or expires,
            )  # fmt: skip
        self.console.print(table if table.row_count else "Nothing was asked for.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-11-21") from None

"""A restore drill."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from audit.archive.drills import drill
from audit.command_base import ActCommand


class Command(ActCommand):
    help = (
        "Fetch a random epoch from the archive, verify it down to each entry, and record the outcome. "
        "Exit code 1 where it does not hold. Scheduled once a quarter."
    )
    account = "archiver"

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Fetching and verifying an epoch"):
            row, problems = drill(by=by)
        if problems is None:
            self.console.print(
                f"{row.key} lies in cold storage and was asked for; the drill goes on when it is there "
                "(`manage.py archive_restore`)."
            )
        elif problems:
            raise CommandError("\n".join(["The drill failed.", *problems]))
        else:
            self.console.print(f"{row.key} holds: {row.size / 1e6:,.2f} MB fetched and verified.")

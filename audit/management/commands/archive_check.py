"""The look at every version that the daily task takes, now."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from audit.archive.listing import check_listing
from audit.command_base import ActCommand


class Command(ActCommand):
    help = (
        "List every version and delete marker of the archive and compare locks, holds and digests with what was archived. "
        "Exit code 1 where something is not as it was left."
    )
    account = "archiver"

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Listing the archive") as say:
            found = check_listing(by=by, on_object=lambda key: say(f"Comparing {key}"))
        for key in found.strangers:
            self.console.print(f"No row knows {key}.")
        if found.findings:
            raise CommandError("\n".join(finding.detail for finding in found.findings))
        self.console.print(
            f"{found.recorded:,} objects are as they were archived, in {found.versions:,} versions."
        )

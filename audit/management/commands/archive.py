"""One pass of archiving."""

from typing import Any

from django.contrib.auth.models import User

from audit.archive.passes import archive_pass
from audit.command_base import ActCommand


class Command(ActCommand):
    help = "Copy what was sealed since the last pass to the archive, read it back and compare it."
    account = "archiver"

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Archiving") as say:
            done = archive_pass(by=by, on_object=lambda key: say(f"Archiving {key}"))
        if not done.objects:
            self.console.print(
                f"Nothing new: the archive holds {done.origin} at {done.tree_size:,}."
            )
            return
        self.console.print(
            f"Archived {done.objects:,} objects ({done.size / 1e6:,.2f} MB), read back and compared. "
            f"The archive holds {done.origin} at {done.tree_size:,} entries."
        )

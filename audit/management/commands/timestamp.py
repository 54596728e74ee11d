"""A timestamp for the newest published checkpoint, now."""

from typing import Any

from django.contrib.auth.models import User

from audit import sequencer
from audit.command_base import ActCommand
from audit.timestamps.passes import timestamp_pass


class Command(ActCommand):
    help = (
        "Have the newest published checkpoint timestamped by CREDENCE_TSA_URL, and keep the token."
    )

    def act(self, *, by: User, **options: Any) -> None:
        with self.working("Asking the timestamp authority"):
            token = timestamp_pass(sequencer.current_origin(), by=by)
        self.console.print(
            f"{token.publication.origin} at {token.publication.size:,} entries existed at "
            f"{token.stamped_at:%Y-%m-%d %H:%M:%S} UTC, says {token.authority}.",
            soft_wrap=True,
        )

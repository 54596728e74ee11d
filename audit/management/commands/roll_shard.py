"""Close the shard of the log that is written now and open the next one: what the sequencer does at new year by itself."""

import time
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from audit import keys, shards
from audit.command_base import ActCommand
from audit.leadership import NotLeader, leadership
from audit.queries import head_size, origins
from audit.tiles import is_origin

PATIENCE_SECONDS = 60


class Command(ActCommand):
    help = (
        "Close this shard of the log and open the next. Cannot be undone. The sequencer does it by itself once "
        "the year in the name is over."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--next",
            dest="following",
            metavar="ORIGIN",
            help="name of the next shard (default: this name with the current year)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and do nothing"
        )

    def act(self, *, by: User, **options: Any) -> None:
        origin, following = self._pair(options["following"])
        if options["dry_run"]:
            self.console.print(
                f"Would close {origin} at about {head_size(origin):,} entries, publish its final checkpoint, and open {following}.",
                soft_wrap=True,
            )
            return
        with self.working(f"Closing {origin}"):
            self._roll(origin, following, by)
        self.console.print(
            f"Closed {origin} at {head_size(origin):,} entries. {following} is written now.",
            soft_wrap=True,
        )

    def _pair(self, wanted: str | None) -> tuple[str, str]:
        due = shards.due(timezone.now())
        if wanted is None and due is None:
            raise CommandError(
                f"The year of {keys.current_origin()} is not over. Name the next shard with --next to close it all the same."
            )
        origin, following = due or (keys.current_origin(), "")
        if wanted is not None and not is_origin(wanted):
            raise CommandError(f"{wanted!r} is not an origin: no spaces, no plus sign, not empty.")
        if wanted in origins():
            raise CommandError(f"{wanted} is a shard already.")
        return origin, wanted or following

    def _roll(self, origin: str, following: str, by: User) -> None:
        """By this process, or by the sequencer once the shard is closed: it goes on with whatever was begun."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while keys.current_origin() != following:
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{origin} did not end within {PATIENCE_SECONDS} s. What was begun is gone on with by the sequencer, or by this command."
                )
            try:
                with leadership(origin):
                    shards.roll(origin, following, by=by)
            except NotLeader:
                with suppress(
                    shards.NotReadyToClose
                ):  # the one that leads is just about to publish
                    shards.begin(origin, following, by=by)
                time.sleep(0.2)

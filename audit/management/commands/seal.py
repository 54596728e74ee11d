"""One pass of the sequencer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import sequencer
from audit.command_base import described
from audit.errors import Refusal
from audit.leadership import NotLeader
from audit.queries import newest_checkpoint


class Command(BaseCommand):
    help = "Seal what waits: give entries their index, integrate the tree, sign its head."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait",
            type=float,
            default=30,
            metavar="SECONDS",
            help="where another process seals, how long to wait for it (default 30)",
        )

    def handle(self, *args: Any, wait: float, **options: Any) -> None:
        try:
            origin = sequencer.current_origin()
            try:
                sequencer.seal(origin)
            except NotLeader:
                sequencer.await_sealed(origin, wait)
        except Refusal as refusal:
            raise CommandError(described(refusal)) from refusal
        checkpoint = newest_checkpoint(origin)
        self.stdout.write(
            f"{origin} is sealed at {checkpoint.size:,} entries; "
            f"the signed root is {checkpoint.root.hex()}."
        )

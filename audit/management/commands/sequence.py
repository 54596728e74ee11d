"""The sequencer process: seals what waits, every second or sooner, until it is told to stop."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection

from audit import sequencer
from audit.command_base import described
from audit.errors import Refusal
from audit.leadership import NotLeader, leadership

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run the sequencer until SIGTERM or SIGINT. A second one waits until the first is gone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--interval",
            type=float,
            default=0.5,
            metavar="SECONDS",
            help="pause between passes, at most 1 (default 0.5)",
        )

    def handle(self, *args: Any, interval: float, **options: Any) -> None:
        if not 0 < interval <= 1:
            raise CommandError("--interval must be more than 0 and at most 1 second.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            origin = sequencer.current_origin()
            logger.info("Sequencer of %s started.", origin)
            while not stop.is_set():
                self._lead(origin, interval, stop)
        except Refusal as refusal:
            raise CommandError(described(refusal)) from refusal
        logger.info("Sequencer stopped.")

    def _lead(self, origin: str, interval: float, stop: threading.Event) -> None:
        """Seal until told to stop; return early where someone else leads or the database is away."""
        try:
            with leadership(origin):
                while not stop.is_set():
                    result = sequencer.seal_as_leader(origin)
                    if result.entries:
                        logger.info(
                            "Sealed %d entries; the tree has %d.", result.entries, result.size
                        )
                    stop.wait(interval)
        except (NotLeader, sequencer.HeadMoved):
            stop.wait(interval)
        except (OperationalError, InterfaceError) as problem:
            logger.warning("The database did not answer and is tried again: %s", problem)
            connection.close()
            stop.wait(interval)

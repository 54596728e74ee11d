"""The sequencer process: seals what waits, every second or sooner, until it is told to stop."""

import logging
import math
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, connection

from audit import sequencer, shards, upkeep
from audit.command_base import described
from audit.context import acting
from audit.errors import Refusal
from audit.leadership import NotLeader, leadership
from audit.publishing import publishing
from audit.queries import service_account
from audit.signing.errors import SignerUnavailable

logger = logging.getLogger(__name__)

KEYS_EVERY_SECONDS = 60


class Command(BaseCommand):
    help = "Run the sequencer until SIGTERM or SIGINT. A second one waits until the first is gone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--interval",
            type=float,
            default=0.25,
            metavar="SECONDS",
            help="from the beginning of one pass to the next, at most 1 (default 0.25)",
        )

    def handle(self, *args: Any, interval: float, **options: Any) -> None:
        if not 0 < interval <= 1:
            raise CommandError("--interval must be more than 0 and at most 1 second.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            while not stop.is_set():
                origin = sequencer.current_origin()
                logger.info("Sequencer of %s started.", origin)
                self._lead(origin, interval, stop)
        except Refusal as refusal:
            raise CommandError(described(refusal)) from refusal
        logger.info("Sequencer stopped.")

    def _lead(self, origin: str, interval: float, stop: threading.Event) -> None:
        """Seal until told to stop; return early where someone else leads, the database is away or another shard began."""
        try:
            with leadership(origin), publishing(origin) as publish:
                looked_at = -math.inf
                while not stop.is_set():
                    began = time.monotonic()
                    result = sequencer.seal_as_leader(origin, publish)
                    if result.entries:
                        logger.info(
                            "Sealed %d entries; the tree has %d.", result.entries, result.size
                        )
                    if time.monotonic() - looked_at > KEYS_EVERY_SECONDS:
                        looked_at = time.monotonic()
                        self._look_after_keys()
                    if sequencer.current_origin() != origin or self._rolled():
                        return
                    stop.wait(max(0.0, began + interval - time.monotonic()))
        except SignerUnavailable as refusal:
            logger.warning("What waits is signed once the key can be used: %s", refusal.detail)
            stop.wait(max(interval, 1))
        except (NotLeader, sequencer.HeadMoved):
            stop.wait(interval)
        except (OperationalError, InterfaceError) as problem:
            logger.warning("The database did not answer and is tried again: %s", problem)
            connection.close()
            stop.wait(interval)

    def _look_after_keys(self) -> None:
        """Keys are renewed well before they end: what cannot be done now is tried again, and sealing goes on."""
        try:
            with acting(authn="process"):
                upkeep.upkeep(
                    by=service_account("sequencer"),
                    on_step=lambda text: logger.info("Keys: %s", text),
                )
        except Refusal as refusal:
            logger.error("The keys could not be looked after: %s", described(refusal))

    def _rolled(self) -> bool:
        """At the end of a shard's year, close it and open the next."""
        try:
            with acting(trigger="schedule"):
                opened = shards.roll_if_due(by=service_account("sequencer"))
        except shards.NotReadyToClose as refusal:
            logger.warning("%s", refusal.detail)
            return False
        return opened is not None

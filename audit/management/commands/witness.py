"""A witness of other people's logs: needs no database, no log key and no setting of ours."""

import logging
import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.command_base import described
from audit.errors import Refusal
from audit.notes import MalformedKey, Verifier, parse_vkey
from audit.witness.server import WitnessServer
from audit.witness.store import WitnessStore, make_witness

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run a witness (C2SP tlog-witness): cosign the checkpoints of logs that only ever grew."
    requires_system_checks: list[str] = []  # they would ask for our keys and our database

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="subcommand", required=True)
        init = commands.add_parser("init", help="make the keys of a new witness, once")
        init.add_argument(
            "--name", required=True, help="a schema-less URL: witness.auditor.example"
        )
        init.add_argument(
            "--ml-dsa", action="store_true", help="an ML-DSA-44 key as well: cosigns with both"
        )
        serve = commands.add_parser(
            "serve", help="answer logs and monitors until SIGTERM or SIGINT"
        )
        serve.add_argument(
            "--log",
            required=True,
            action="append",
            metavar="VKEY",
            help="verifier key of a log to watch; once for each key of each log",
        )
        serve.add_argument(
            "--listen",
            default="127.0.0.1:8900",
            metavar="HOST:PORT",
            help="put TLS in front of any other address than this one (default 127.0.0.1:8900)",
        )
        for command in (init, serve):
            command.add_argument(
                "--store",
                required=True,
                type=Path,
                metavar="FOLDER",
                help="keys and memory of this witness: never restore an older copy of it",
            )

    def handle(self, *args: Any, subcommand: str, store: Path, **options: Any) -> None:
        try:
            if subcommand == "init":
                self._init(store, options["name"], options["ml_dsa"])
            else:
                self._serve(store, options["log"], options["listen"])
        except Refusal as refusal:
            raise CommandError(described(refusal)) from refusal

    def _init(self, store: Path, name: str, ml_dsa: bool) -> None:
        try:
            vkeys = make_witness(store, name, ml_dsa=ml_dsa)
        except MalformedKey as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(
            "Give these lines to the logs you will watch, with the URL they reach you by:\n"
        )
        for number, vkey in enumerate(vkeys):
            self.stdout.write(f"  witness {name}{'-ml-dsa' if number else ''} {vkey} https://...")

    def _serve(self, store: Path, logs: list[str], listen: str) -> None:
        witness = WitnessStore(store, [_log_key(vkey) for vkey in logs])
        server = WitnessServer(_address(listen), witness)
        for number in (signal.SIGTERM, signal.SIGINT):
            # shutdown() waits for serve_forever(), which runs in this very thread
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        host, port = server.server_address[:2]
        self.stdout.write(f"Watching {', '.join(witness.origins)} at http://{host!s}:{port}/")
        self.stdout.flush()
        with server:
            server.serve_forever(poll_interval=0.2)
        logger.info("Witness stopped.")


def _log_key(vkey: str) -> Verifier:
    try:
        return parse_vkey(vkey)
    except MalformedKey as problem:
        raise CommandError(f"--log {vkey!r} cannot be used: {problem}") from None


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise CommandError(f"--listen takes HOST:PORT, not {listen!r}.")
    return host, int(port)

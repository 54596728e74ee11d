"""`manage.py demo`: the whole story on real data, and then the service itself."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from governance import env
from governance.demo.clients import UnexpectedAnswer
from governance.demo.console import Storyteller
from governance.demo.material import NoMaterial, load
from governance.demo.place import NoPlace, make_place
from governance.demo.processes import Processes, ProcessFailed, free_port
from governance.demo.stage import Stage
from governance.demo.story import tell


class Command(BaseCommand):
    help = (
        "Tell the whole story on real credit applications, through REST and the admin, then serve it. "
        "An earlier demo is moved aside as a whole; nothing is overwritten."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop after the story")
        parser.add_argument(
            "--port",
            type=int,
            default=8000,
            help="of the web server (8000); another is taken where it is busy",
        )
        parser.add_argument(
            "--data",
            type=Path,
            metavar="FILE",
            help="a CSV or Parquet file instead of the Boston Fed mortgage applications",
        )
        parser.add_argument(
            "--describe",
            type=Path,
            metavar="FILE.toml",
            help="what every column of the data is (default: beside the data)",
        )
        parser.add_argument(
            "--seed", type=int, default=7, help="of training and of the simulated shift (7)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        try:
            material = load(options["data"], options["describe"])
            aside = make_place()
        except (NoMaterial, NoPlace) as problem:
            raise CommandError(str(problem)) from None
        if aside is not None:
            console.print(f"The earlier demo was moved aside to {aside}.")
        processes = Processes(free_port(options["port"]))
        signal.signal(signal.SIGTERM, _interrupt)
        story = Storyteller(console)
        console.rule("[bold]Credence: the whole story")
        try:
            tell(Stage(story, processes, material, options["seed"]))
            self._say_where_things_are(console, processes, story)
            if not options["no_serve"]:
                _serve(console, processes)
        except (UnexpectedAnswer, ProcessFailed) as problem:
            raise CommandError(str(problem)) from None
        except KeyboardInterrupt:
            console.print("\nStopping.")
        finally:
            processes.stop_all()

    def _say_where_things_are(
        self, console: Console, processes: Processes, story: Storyteller
    ) -> None:
        var = env.var_folder()
        console.rule(f"[bold]Told in {story.seconds:.0f} seconds")
        console.print(f"  admin       http://127.0.0.1:{processes.port}/")
        console.print(f"  API         http://127.0.0.1:{processes.port}/api/docs/")
        console.print(
            f"  evidence    {var / 'demo' / 'evidence.zip'}   (python audit/verify.py checks it)"
        )
        console.print(f"  everything  {var}   (logs in {var / 'logs'})")
        console.print("  people, by role, with their passwords:")
        for person, role in env.DEMO_PEOPLE.items():
            password = os.environ.get(env.password_variable(person), "")
            console.print(
                f"    {person:<8} {role:<22} {password if role != 'scoring client' else '(uses a token)'}"
            )


def _serve(console: Console, processes: Processes) -> None:
    """Until Ctrl-C, or until a process ends by itself."""
    console.print("\nServing. Ctrl-C stops everything.")
    while True:
        processes.require_alive()
        time.sleep(1)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt

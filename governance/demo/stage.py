"""The stage of the demo: the processes, the people with their tokens and sessions, and the material."""

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from governance import env
from governance.demo.clients import Browser, Rest
from governance.demo.console import Storyteller
from governance.demo.material import Material
from governance.demo.processes import Processes

TOKENS = ("dana", "victor", "amira", "felix", "ines", "omar", "carla", "lending")


@dataclass
class Stage:
    """What the chapters share. `facts` is what later chapters need from earlier ones."""

    story: Storyteller
    processes: Processes
    material: Material
    seed: int
    facts: dict[str, Any] = field(default_factory=dict)
    _rest: dict[str, Rest] = field(default_factory=dict)
    _browsers: dict[str, Browser] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.processes.port}"

    @property
    def model(self) -> str:
        """The name of the model; also the names of its policies."""
        return self.material.name

    def rest(self, person: str) -> Rest:
        """The REST API, as that person."""
        return self._rest[person]

    def browser(self, person: str) -> Browser:
        """The admin, in a session of that person; signs in on first use."""
        if person not in self._browsers:
            self._browsers[person] = Browser(self.base, person)
        return self._browsers[person]

    def set_up(self) -> None:
        """Tables, keys, people and processes: what an operator does once."""
        _command("migrate", verbosity=0)
        _command("keys", "init")
        _command("protected_key")
        for person, role in env.DEMO_PEOPLE.items():
            signs_in = role != "scoring client"
            password = ["--password-from", env.password_variable(person)] if signs_in else []
            _command("accounts", "add", person, "--role", role, *password)
        self.processes.start_all()
        for person in TOKENS:
            token = _command("accounts", "token", person).split()[-1]
            self._rest[person] = Rest(self.base, person, token)

    @property
    def scratch(self) -> Path:
        """Where the demo puts the files it downloads."""
        folder = env.var_folder() / "demo"
        folder.mkdir(exist_ok=True)
        return folder


def _command(*words: str, **options: Any) -> str:
    """One management command, as an operator runs it; returns what it printed."""
    printed = StringIO()
    call_command(*words, stdout=printed, **options)
    return printed.getvalue()

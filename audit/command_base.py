"""What commands that act have in common: as whom, and how a refusal looks."""

import getpass
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from audit.context import acting
from audit.errors import NotFound, Refusal
from audit.queries import service_account


class NoSuchUser(NotFound):
    """`--as` names nobody."""


class ActCommand(BaseCommand, ABC):
    """A command that acts as `--as USER`, else as a service account; entries also name the operating system's user.

    Subclasses write `act`; a Refusal ends the command with exit code 1 and its reason.
    """

    account = "cli"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--as",
            dest="acting_user",
            metavar="USER",
            help=f"act as this user instead of the service account {self.account!r}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.console = Console(file=self.stdout, highlight=False)  # type: ignore[arg-type]  # writes text
        name = options.pop("acting_user")
        try:
            with acting(authn="process", on_behalf_of=getpass.getuser()):
                self.act(by=_user(name) if name else service_account(self.account), **options)
        except Refusal as refusal:
            raise CommandError(described(refusal)) from refusal

    @abstractmethod
    def act(self, *, by: User, **options: Any) -> None:
        """What the command does, as `by`."""

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[str], None]]:
        """On a terminal, show that something goes on; what it yields changes the text."""
        if not self.console.is_terminal:
            yield lambda text: None
            return
        with self.console.status(what) as status:
            yield status.update


def described(refusal: Refusal) -> str:
    """A refusal in lines for a terminal: what, and each field's reason."""
    fields = [f"  {problem.field}: {problem.detail}" for problem in refusal.errors]
    return "\n".join([f"{refusal.title}. {refusal.detail}", *fields])


def _user(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise NoSuchUser(f"There is no user {name!r}.")
    return user

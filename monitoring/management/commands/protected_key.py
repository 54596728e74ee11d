"""manage.py protected_key: make the key for protected attributes of a new installation."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from audit.command_base import ActCommand
from monitoring.protected_key import key_path, make_protected_key


class Command(ActCommand):
    help = "Make the key file for protected attributes. It is never overwritten."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--if-missing", action="store_true", help="leave a key that is there alone, and succeed"
        )

    def act(self, *, by: User, **options: Any) -> None:
        if options["if_missing"] and key_path().exists():
            return
        make_protected_key(key_path())
        self.console.print(
            f"Made {key_path()}. Back it up apart from the database.", soft_wrap=True
        )

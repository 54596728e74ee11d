"""`manage.py acts`: what the code says of acts and of permissions, as Markdown."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from governance.catalogue import acts_page, permissions_page


class Command(BaseCommand):
    help = "Print the page docs/acts.md: every act, the permission it needs, who holds that, and the event it writes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--permissions",
            action="store_true",
            help="print docs/permissions.md instead: the permission matrix",
        )

    def handle(self, *args: Any, permissions: bool, **options: Any) -> None:
        self.stdout.write(permissions_page() if permissions else acts_page(), ending="")

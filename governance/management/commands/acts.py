"""`manage.py acts`: the table of acts, permissions, roles and events, as Markdown."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from governance.catalogue import acts_page


class Command(BaseCommand):
    help = "Print the page docs/acts.md: every act, the permission it needs, who holds that, and the event it writes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """No arguments: the page is made from the code."""

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(acts_page(), ending="")

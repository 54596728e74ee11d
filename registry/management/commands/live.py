"""manage.py live MODEL [--at TIME]: who is, or was, allowed to decide with which bytes."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from audit.action import require
from audit.command_base import ActCommand
from registry import history
from registry.live import live_document
from registry.moments import moment


class Command(ActCommand):
    help = "Show what was live at a time, as JSON: champion, clearances, approvers, policies, restrictions."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("--at", metavar="TIME", help="ISO 8601 with offset; now by default")

    def act(self, *, by: User, **options: Any) -> None:
        require(by, "registry.view_clearance")
        at = moment(options["at"], "at") if options["at"] else timezone.now()
        document = live_document(history.live(options["model"], at))
        self.stdout.write(json.dumps(document, indent=2, cls=DjangoJSONEncoder))

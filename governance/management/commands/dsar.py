"""A copy of what is held about a person, from a terminal."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser

from audit.bundle import OWNER_ALONE
from audit.command_base import ActCommand
from audit.person_requests import PersonRequest
from audit.queries import service_account
from governance.access.package import answer, package_path
from governance.actions.access import record_access_taken, request_access
from governance.models import AccessRequest


class Command(ActCommand):
    help = (
        "Answer a request for access (Art. 15 GDPR): letter, data for reading and for machines, and a signed manifest, in "
        "one zip. People do this in their own name: --as USER."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="FILE.zip")
        parser.add_argument(
            "--correspondence", required=True, metavar="NUMBER", help="the bank's own file number"
        )
        parser.add_argument("--identity-check", required=True, help="how identity was checked")
        parser.add_argument("--received-on", type=date.fromisoformat, required=True, metavar="DAY")
        parser.add_argument("--client", default="", help="the lending system whose reference it is")
        parser.add_argument(
            "--subject-ref", default="", help="that system's reference for the person"
        )
        parser.add_argument("--subject-id", type=UUID, help="instead of a reference")

    def act(self, *, by: User, **options: Any) -> None:
        out: Path = options["out"]
        if not out.parent.is_dir():
            raise CommandError(f"There is no folder {out.parent}.")
        names = (
            "correspondence",
            "identity_check",
            "received_on",
            "client",
            "subject_ref",
            "subject_id",
        )
        asked = request_access(
            PersonRequest(**{name: options[name] for name in names}), by=by, send=False
        )
        with self.working("Putting together what is held"):
            asked = answer(asked, by=service_account("monitor"))
        if asked.state != AccessRequest.State.AVAILABLE:
            raise CommandError(f"The copy could not be made. {asked.note}")
        record_access_taken(asked.pk, by=by)
        out.touch(mode=OWNER_ALONE)
        out.chmod(OWNER_ALONE)
        shutil.copyfile(package_path(asked), out)
        self.console.print(
            f"[bold]{out}[/]: {asked.size:,} bytes, SHA-256 {asked.sha256}", soft_wrap=True
        )
        self.console.print(
            f"The answer is due on {asked.due_on}. This copy is yours to delete; ours goes on {asked.expires_at:%Y-%m-%d}."
        )

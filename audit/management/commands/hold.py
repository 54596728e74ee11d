"""Legal holds, from a terminal."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from audit.actions.holds import HoldOrder, place_hold, release_hold
from audit.cases import holds_in_force
from audit.command_base import ActCommand
from audit.models import LegalHold

ORDER = ("matter", "custodian", "reason", "review_on", "subject_id", "model", "first_on", "last_on")


class Command(ActCommand):
    help = (
        "Legal holds: list those in force, place one, release one. While one covers something, nothing of it is erased. "
        "People do this in their own name: --as USER."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        words = parser.add_subparsers(dest="word", required=True)
        words.add_parser("list", help="holds in force, those to be reviewed first, first")
        place = words.add_parser("place", help="from now on keep what it covers")
        place.add_argument(
            "--matter", required=True, metavar="NUMBER", help="its number, without a name in it"
        )
        covers = place.add_mutually_exclusive_group(required=True)
        covers.add_argument("--subject-id", type=UUID, help="one person, by their identifier here")
        covers.add_argument("--model", default="", help="the decisions of one model")
        covers.add_argument("--everything", action="store_true", help="all there is")
        place.add_argument("--from", dest="first_on", type=date.fromisoformat, metavar="DAY")
        place.add_argument(
            "--to", dest="last_on", type=date.fromisoformat, metavar="DAY", help="included"
        )
        place.add_argument("--custodian", required=True, help="who answers for the hold")
        place.add_argument("--reason", required=True, help="why the records must be kept")
        place.add_argument("--review-on", type=date.fromisoformat, required=True, metavar="DAY")
        release = words.add_parser("release", help="end one; what it kept follows its own rules")
        release.add_argument("hold", type=UUID)
        release.add_argument("--reason", required=True, help="why the matter no longer needs it")

    def act(self, *, by: User, **options: Any) -> None:
        getattr(self, f"_{options['word']}")(by, options)

    def _list(self, by: User, options: dict[str, Any]) -> None:
        for hold in holds_in_force():
            self.console.print(
                f"{hold.pk}  {hold.matter}  {hold.covers}  review on {hold.review_on}",
                soft_wrap=True,
            )

    def _place(self, by: User, options: dict[str, Any]) -> None:
        said = {name: options[name] for name in ORDER}
        hold = place_hold(HoldOrder(scope=_scope(options), **said), by=by)
        self.console.print(f"Hold {hold.pk} is in force: {hold.covers} is kept.", soft_wrap=True)

    def _release(self, by: User, options: dict[str, Any]) -> None:
        hold = release_hold(options["hold"], options["reason"], by=by)
        self.console.print(f"Released {hold.matter}: {hold.covers}.", soft_wrap=True)


def _scope(options: dict[str, Any]) -> str:
    if options["everything"]:
        return LegalHold.Scope.EVERYTHING
    return LegalHold.Scope.MODEL if options["model"] else LegalHold.Scope.SUBJECT

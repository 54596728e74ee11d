"""Requests for erasure, from a terminal."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from audit.actions.erasures import (
    decide_erasure_case,
    extend_erasure_case,
    record_erasure_request,
)
from audit.cases import assessment_of, erasure_case_with, open_erasure_cases
from audit.command_base import ActCommand
from audit.models import ErasureCase
from audit.person_requests import PersonRequest


class Command(ActCommand):
    help = (
        "Requests for erasure: list those that are open, record one, show what deciding it would do, extend its clock, "
        "decide it. People do this in their own name: --as USER."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        words = parser.add_subparsers(dest="word", required=True)
        words.add_parser("list", help="open requests, and when their answer is due")
        record = words.add_parser("record", help="start the clock of a request")
        record.add_argument(
            "--correspondence", required=True, metavar="NUMBER", help="the bank's own file number"
        )
        record.add_argument("--identity-check", required=True, help="how identity was checked")
        record.add_argument("--received-on", type=date.fromisoformat, required=True, metavar="DAY")
        record.add_argument("--client", default="", help="the lending system whose reference it is")
        record.add_argument(
            "--subject-ref", default="", help="that system's reference for the person"
        )
        record.add_argument("--subject-id", type=UUID, help="instead of a reference")
        for word, what in (
            ("show", "what deciding it now would do"),
            ("decide", "decide it and carry it out"),
        ):
            one = words.add_parser(word, help=what)
            one.add_argument("case", type=UUID)
            if word == "decide":
                one.add_argument(
                    "--yes", action="store_true", help="really: what is erased does not come back"
                )
        extend = words.add_parser("extend", help="take two further months")
        extend.add_argument("case", type=UUID)
        extend.add_argument("--reason", required=True)

    def act(self, *, by: User, **options: Any) -> None:
        getattr(self, f"_{options['word']}")(by, options)

    def _list(self, by: User, options: dict[str, Any]) -> None:
        for case in open_erasure_cases():
            self.console.print(f"{case.pk}  {case.correspondence}  due {case.answer_due_on}")

    def _record(self, by: User, options: dict[str, Any]) -> None:
        names = (
            "correspondence",
            "identity_check",
            "received_on",
            "client",
            "subject_ref",
            "subject_id",
        )
        case = record_erasure_request(
            PersonRequest(**{name: options[name] for name in names}), by=by
        )
        self.console.print(f"Request {case.pk}, due {case.due_on}.")

    def _show(self, by: User, options: dict[str, Any]) -> None:
        self._shown(erasure_case_with(options["case"]))

    def _decide(self, by: User, options: dict[str, Any]) -> None:
        case = erasure_case_with(options["case"])
        seen = self._shown(case)
        if not options["yes"]:
            self.console.print("Nothing was changed. Add --yes to carry this out.")
            return
        decided = decide_erasure_case(case.pk, seen, by=by)
        self.console.print(f"Decided: {decided.outcome}.\n\n{decided.letter}", soft_wrap=True)

    def _extend(self, by: User, options: dict[str, Any]) -> None:
        case = extend_erasure_case(options["case"], options["reason"], by=by)
        self.console.print(f"Due {case.answer_due_on}. Tell the person by {case.due_on}.")

    def _shown(self, case: ErasureCase) -> str:
        assessment = assessment_of(case)
        self.console.print(f"{case.correspondence}: {assessment.outcome}")
        for part in assessment.parts:
            verb = "erase" if part.erase else "keep"
            until = f" until {part.ends_on}" if part.ends_on else ""
            self.console.print(
                f"  {verb} {part.purpose}{until} ({part.records} records, {part.article}): {part.why}",
                soft_wrap=True,
            )
        return assessment.digest

"""A report of how a decided application turned out, and everything that is wrong with one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from audit.bodies import MOST_LISTED, printable
from audit.errors import FieldProblem

MOST_MONTHS = 1200
LONGEST_SOURCE = 200
MEMBERS = ("decision_id", "bad", "observed_on", "months_on_book", "matured", "source")


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """One report without problems: bad or not, as known on a day, and whether that is final."""

    decision_id: UUID
    bad: bool
    observed_on: date
    months_on_book: int
    matured: bool
    source: str

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in MEMBERS}


def read_report(document: object, today: date) -> tuple[OutcomeReport | None, list[FieldProblem]]:
    """The report, or None and every problem with it at once."""
    if not isinstance(document, Mapping):
        return None, [FieldProblem("label", "wrong_type", "Must be an object.")]
    surplus = [name for name in document if name not in MEMBERS and printable(name)]
    problems = [
        FieldProblem(name, "unexpected", "A label has no such member.")
        for name in surplus[:MOST_LISTED]
    ]
    for name in MEMBERS:
        if name not in document:
            problems.append(FieldProblem(name, "missing", "A label needs this member."))
        elif fault := _fault(name, document[name], today):
            problems.append(FieldProblem(name, *fault))
    if problems or len(document) > len(MEMBERS):
        return None, problems or [FieldProblem("label", "unexpected", "Unknown members.")]
    return (
        OutcomeReport(
            decision_id=UUID(document["decision_id"]),
            bad=document["bad"],
            observed_on=date.fromisoformat(document["observed_on"]),
            months_on_book=document["months_on_book"],
            matured=document["matured"],
            source=document["source"],
        ),
        [],
    )


def _fault(name: str, value: object, today: date) -> tuple[str, str] | None:
    """Type and detail of what is wrong with one member's value."""
    match name:
        case "decision_id":
            return _identifier_fault(value)
        case "bad" | "matured":
            return None if isinstance(value, bool) else ("wrong_type", "Must be true or false.")
        case "observed_on":
            return _day_fault(value, today)
        case "months_on_book":
            if isinstance(value, bool) or not isinstance(value, int):
                return "wrong_type", "Must be a whole number."
            if not 0 <= value <= MOST_MONTHS:
                return "out_of_range", f"Must be from 0 to {MOST_MONTHS} months."
            return None
        case _:
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                return "wrong_type", "Must be a printable text: where the label comes from."
            if len(value) > LONGEST_SOURCE:
                return "out_of_range", f"Must be at most {LONGEST_SOURCE} characters."
            return None


def _identifier_fault(value: object) -> tuple[str, str] | None:
    try:
        UUID(value if isinstance(value, str) else "")
    except ValueError:
        return "wrong_type", "Must be the identifier of a decision."
    return None


def _day_fault(value: object, today: date) -> tuple[str, str] | None:
    try:
        day = date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return "wrong_type", "Must be a day, such as 2026-11-20."
    return ("out_of_range", "Must not lie in the future.") if day > today else None

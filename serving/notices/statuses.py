"""A status of an application as the lending system reports it, and everything that is wrong with one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from audit.errors import FieldProblem
from registry.requests import LONGEST_REFERENCE, read_moment, read_reference
from serving.applications import CLOCK_TOLERANCE
from serving.errors import InvalidStatus
from serving.notices.deliveries import unexpected

MEMBERS = frozenset(
    {"status", "at", "missing", "asked", "offered", "respond_by", "subject_ref", "model"}
)
MOST_TEXTS = 50


@dataclass(frozen=True)
class StatusReport:
    """One report. `missing` lists what an incomplete application lacks; `respond_by` is until when it may be brought.

    `asked` and `offered` are the terms that a counteroffer puts others in place of, and those others: both or neither.
    `subject_ref` and `model` say whose the application is and which model is to decide it: asked for where it is new.
    """

    status: str
    at: datetime
    missing: tuple[str, ...]
    asked: tuple[str, ...]
    offered: tuple[str, ...]
    respond_by: date | None
    subject_ref: str | None
    model: str | None


def read_status(
    application_ref: str, document: object, statuses: Sequence[str], now: datetime
) -> StatusReport:
    """What is said of the application by that reference. Raises InvalidStatus with every field at fault."""
    if not isinstance(document, Mapping):
        raise refused([FieldProblem("status", "wrong_type", "Must be an object.")])
    problems = unexpected(document, MEMBERS, "body")
    read_reference({"application_ref": application_ref}, "application_ref", problems, "")
    status = document.get("status")
    if status not in statuses:
        kind = "unknown" if "status" in document else "missing"
        problems.append(FieldProblem("status", kind, f"Must be one of {', '.join(statuses)}."))
    at = read_moment(document, "at", now + CLOCK_TOLERANCE, problems)
    if document.get("at") is None:
        problems.append(FieldProblem("at", "missing", "When it happened."))
    missing = _missing(document, status, problems)
    asked, offered = _terms(document, status, problems)
    respond_by = _respond_by(document, status, at, problems)
    names = [_name(document, name, problems) for name in ("subject_ref", "model")]
    if problems:
        raise refused(problems)
    assert isinstance(status, str)
    assert at is not None
    return StatusReport(status, at, missing, asked, offered, respond_by, *names)


def refused(problems: Sequence[FieldProblem]) -> InvalidStatus:
    return InvalidStatus(
        "The status cannot be recorded; `errors` names every field that is wrong.", errors=problems
    )


def _missing(
    document: Mapping[str, object], status: object, problems: list[FieldProblem]
) -> tuple[str, ...]:
    if status != "incomplete":
        _belongs(document, "missing", "incomplete", problems)
        return ()
    if document.get("missing") is None:
        problems.append(FieldProblem("missing", "missing", "What the application lacks."))
        return ()
    return _texts(document, "missing", problems)


def _terms(
    document: Mapping[str, object], status: object, problems: list[FieldProblem]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was asked for and what is offered instead. A counteroffer that the bank tells of itself needs neither."""
    names = ("asked", "offered")
    if status != "counteroffer":
        for name in names:
            _belongs(document, name, "counteroffer", problems)
        return (), ()
    given = [name for name in names if document.get(name) is not None]
    if len(given) == 1:
        [lacking] = set(names) - set(given)
        detail = "What was asked for and what is offered are given together, or neither is."
        problems.append(FieldProblem(lacking, "missing", detail))
    asked, offered = (_texts(document, name, problems) if name in given else () for name in names)
    return asked, offered


def _belongs(
    document: Mapping[str, object], name: str, status: str, problems: list[FieldProblem]
) -> None:
    if document.get(name) is not None:
        problems.append(FieldProblem(name, "unexpected", f"Belongs to {status} only."))


def _texts(
    document: Mapping[str, object], name: str, problems: list[FieldProblem]
) -> tuple[str, ...]:
    value = document[name]
    if isinstance(value, list) and 0 < len(value) <= MOST_TEXTS and all(map(_is_text, value)):
        return tuple(value)
    detail = f"Must be 1 to {MOST_TEXTS} texts of at most {LONGEST_REFERENCE} printable characters."
    problems.append(FieldProblem(name, "wrong_type", detail))
    return ()


def _respond_by(
    document: Mapping[str, object],
    status: object,
    at: datetime | None,
    problems: list[FieldProblem],
) -> date | None:
    if status != "incompleteness_notified":
        _belongs(document, "respond_by", "incompleteness_notified", problems)
        return None
    value = document.get("respond_by")
    if value is None:
        detail = "Until when the applicant may bring what is missing."
        problems.append(FieldProblem("respond_by", "missing", detail))
        return None
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        detail = "Must be a day such as 2026-12-20."
        problems.append(FieldProblem("respond_by", "wrong_type", detail))
    elif at is not None and day <= at.date():
        detail = "Must be after the day of the notice."
        problems.append(FieldProblem("respond_by", "out_of_range", detail))
    return day


def _name(document: Mapping[str, object], name: str, problems: list[FieldProblem]) -> str | None:
    value = document.get(name)
    if value is None:
        return None
    if not _is_text(value):
        detail = f"Must be a text of 1 to {LONGEST_REFERENCE} printable characters."
        problems.append(FieldProblem(name, "wrong_type", detail))
        return None
    return str(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_REFERENCE and value.isprintable()

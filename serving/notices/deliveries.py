"""A delivery as the bank reports it, and everything that is wrong with one. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.errors import FieldProblem
from registry.requests import read_moment, read_reference
from serving.applications import CLOCK_TOLERANCE
from serving.errors import InvalidDelivery

MEMBERS = frozenset({"channel", "sent_at", "reference"})


@dataclass(frozen=True)
class Delivery:
    """`reference` is the bank's own name for it, None where it gives none."""

    channel: str
    sent_at: datetime
    reference: str | None


def read_delivery(
    document: object, channels: Sequence[str], issued_at: datetime, now: datetime
) -> Delivery:
    """The delivery by one of the policy's channels. Raises InvalidDelivery with every field at fault."""
    if not isinstance(document, Mapping):
        raise _refused([FieldProblem("delivery", "wrong_type", "Must be an object.")])
    problems = unexpected(document, MEMBERS, "delivery")
    channel = document.get("channel")
    if channel not in channels:
        kind = "unknown" if "channel" in document else "missing"
        problems.append(FieldProblem("channel", kind, f"Must be one of {', '.join(channels)}."))
    sent_at = read_moment(document, "sent_at", now + CLOCK_TOLERANCE, problems)
    if document.get("sent_at") is None:
        problems.append(FieldProblem("sent_at", "missing", "When it was sent or handed over."))
    elif sent_at is not None and sent_at < issued_at:
        detail = "Must not be before the notice was issued."
        problems.append(FieldProblem("sent_at", "out_of_range", detail))
    reference = None
    if document.get("reference") is not None:
        reference = read_reference(document, "reference", problems, "")
    if problems:
        raise _refused(problems)
    assert isinstance(channel, str)
    assert sent_at is not None
    return Delivery(channel, sent_at, reference)


def unexpected(
    document: Mapping[str, object], members: frozenset[str], whole: str
) -> list[FieldProblem]:
    """One problem for all members that nobody reads: their names are the caller's own."""
    surplus = len(set(document) - members)
    if not surplus:
        return []
    detail = f"{surplus} members that are unknown; known are {', '.join(sorted(members))}."
    return [FieldProblem(whole, "unexpected", detail)]


def _refused(problems: list[FieldProblem]) -> InvalidDelivery:
    return InvalidDelivery(
        "The delivery cannot be recorded; `errors` names every field that is wrong.",
        errors=problems,
    )

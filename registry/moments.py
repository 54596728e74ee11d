"""Times that callers ask about, as text."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit.errors import FieldProblem
from registry.errors import MomentRefused


def moment(text: str, field: str = "as_of") -> datetime:
    """An aware time in ISO 8601 that has come. Raises MomentRefused, which names the field."""
    try:
        at = parse_datetime(text.strip().replace(" ", "+"))  # in an address a plus is a space
        if at is None or timezone.is_naive(at):
            raise ValueError
        at = at.astimezone(UTC)  # PostgreSQL takes no zone that is 16 hours away
    except (ValueError, OverflowError):
        detail = "Must be an ISO 8601 time with its offset from UTC."
        raise _refused(field, "malformed", detail) from None
    if at > timezone.now():
        raise _refused(field, "out_of_range", "Must not lie in the future.")
    return at


def _refused(field: str, kind: str, detail: str) -> MomentRefused:
    return MomentRefused(
        "Nothing can be said of that time; see `errors`.",
        errors=[FieldProblem(field, kind, detail)],
    )

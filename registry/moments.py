"""Times that callers ask about, as text."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from audit.errors import FieldProblem
from registry.errors import MomentRefused


def moment(text: str, field: str = "as_of") -> datetime:
    """An aware time in ISO 8601 that has come. Raises MomentRefused, which names the field."""
    try:
        at = parse_datetime(text.strip().replace(" ", "+"))  # in an address a plus is a space
    except ValueError:
        at = None
    if at is None or timezone.is_naive(at):
        raise _refused(field, "malformed", "Must be an ISO 8601 time with its offset from UTC.")
    if at > timezone.now():
        raise _refused(field, "out_of_range", "Must not lie in the future.")
    return at


def _refused(field: str, kind: str, detail: str) -> MomentRefused:
    return MomentRefused(
        "Nothing can be said of that time; see `errors`.",
        errors=[FieldProblem(field, kind, detail)],
    )

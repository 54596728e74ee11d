"""Times that callers ask about: `?as_of=` on reads."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from audit.errors import FieldProblem
from registry.errors import MomentRefused

AS_OF = OpenApiParameter(
    "as_of", str, description="ISO 8601 time with offset: answer as it stood then."
)


def as_of(request: Request) -> datetime | None:
    """The time asked about; None for now. Raises MomentRefused."""
    text = request.query_params.get("as_of")
    return None if text is None else moment(text)


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

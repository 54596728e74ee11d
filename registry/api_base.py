"""What reads that answer as of a time have in common: the parameter `as_of`."""

from datetime import datetime

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from registry.moments import moment

AS_OF = OpenApiParameter(
    "as_of", str, description="ISO 8601 time with offset: answer as it stood then."
)


def as_of(request: Request) -> datetime | None:
    """The time asked about; None for now. Raises MomentRefused."""
    text = request.query_params.get("as_of")
    return None if text is None else moment(text)

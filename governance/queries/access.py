"""Named reads about access requests."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from audit.models import Erasure
from governance.errors import NoSuchAccessRequest
from governance.models import AccessRequest

State = AccessRequest.State


def access_request_with(request_id: UUID) -> AccessRequest:
    """Raises NoSuchAccessRequest."""
    request = access_requests().filter(pk=request_id).first()
    if request is None:
        raise NoSuchAccessRequest(f"There is no access request {request_id}.")
    return request


def access_requests() -> QuerySet[AccessRequest]:
    """All of them, the newest first."""
    return AccessRequest.objects.select_related("requested_by")


def waiting(request_id: UUID | None = None) -> QuerySet[AccessRequest]:
    """Those whose copy is not made: one of them, or all, oldest first."""
    asked = AccessRequest.objects.filter(state=State.REQUESTED).order_by("pk")
    return asked if request_id is None else asked.filter(pk=request_id)


def unanswered() -> QuerySet[AccessRequest]:
    """Those that no copy answers yet, those that are due first, first."""
    return AccessRequest.objects.filter(state__in=[State.REQUESTED, State.FAILED]).order_by(
        "due_on", "pk"
    )


def available(expired_at: datetime) -> QuerySet[AccessRequest]:
    """Copies that are there, and whose time is over at a moment."""
    return AccessRequest.objects.filter(state=State.AVAILABLE, expires_at__lte=expired_at)


def erased() -> QuerySet[AccessRequest]:
    """Copies about people of whom something was erased after the copy was made."""
    erasures = Erasure.objects.filter(
        subject=OuterRef("subject_id"), erased_at__gte=OuterRef("requested_at")
    )
    return AccessRequest.objects.filter(Exists(erasures), state=State.AVAILABLE)

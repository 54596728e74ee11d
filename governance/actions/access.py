"""Requests for a copy of one's data: asked for by a person, answered by a worker, ended by time or by erasure."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import references
from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.months import ANSWER_MONTHS, months_after
from audit.person_requests import PersonRequest
from governance.errors import AccessAnswered, NoSuchAccessRequest
from governance.events import Event
from governance.models import AccessRequest

ANSWER = "governance.answer_access"
LASTS = timedelta(days=30)
State = AccessRequest.State


@dataclass(frozen=True)
class Copy:
    """The file that was made: its digest and size in bytes, and how much of what is in it."""

    sha256: str
    size: int
    decisions: int
    attributes: int
    redactions: int


@action(Event.ACCESS_REQUESTED, needs="governance.request_access")
def request_access(asked: PersonRequest, *, by: User, send: bool = True) -> AccessRequest:
    """Start the clock of a request, and have the copy made. Raises PersonRequestMalformed.

    Somebody whom the vault does not know is told so in a copy that says that nothing is held. Without `send` the
    caller makes the copy.
    """
    now = timezone.now()
    asked.require_sound(now.date())
    request = AccessRequest(
        subject_id=references.subject_named(asked.client, asked.subject_ref, asked.subject_id),
        correspondence=asked.correspondence,
        identity_check=asked.identity_check,
        received_on=asked.received_on,
        due_on=months_after(asked.received_on, ANSWER_MONTHS),
        requested_by=by,
        requested_at=now,
    )
    request.entry = record(
        subject=request,
        person=request.subject_id,
        identity_check=request.identity_check,
        received_on=request.received_on,
        due_on=request.due_on,
    )
    request.save(force_insert=True)
    if send:
        send_on_commit(ANSWER, str(request.pk))
    return request


@action(Event.ACCESS_ANSWERED, needs="governance.answer_access")
def complete_access(request_id: UUID, copy: Copy, *, by: User) -> AccessRequest:
    """Say that the copy was made; it lasts 30 days. Raises NoSuchAccessRequest or AccessAnswered."""
    request = _in_state(request_id, State.REQUESTED)
    now = timezone.now()
    request.state, request.built_at, request.expires_at = State.AVAILABLE, now, now + LASTS
    request.sha256, request.size = copy.sha256, copy.size
    request.save(update_fields=["state", "built_at", "expires_at", "sha256", "size"])
    record(
        subject=request,
        person=request.subject_id,
        sha256=copy.sha256,
        size=copy.size,
        decisions=copy.decisions,
        protected_rows_read=copy.attributes,
        redactions=copy.redactions,
        expires_at=request.expires_at,
    )
    return request


@action(Event.ACCESS_FAILED, needs="governance.answer_access")
def fail_access(request_id: UUID, reason: str, *, by: User) -> AccessRequest:
    """Say why the copy could not be made. Raises NoSuchAccessRequest or AccessAnswered."""
    request = _in_state(request_id, State.REQUESTED)
    request.state, request.note = State.FAILED, reason
    request.save(update_fields=["state", "note"])
    record(subject=request, reason=reason)
    return request


@action(Event.ACCESS_TAKEN, needs="governance.request_access")
def record_access_taken(request_id: UUID, *, by: User) -> AccessRequest:
    """Keep who took the copy. Raises NoSuchAccessRequest or AccessAnswered."""
    request = _in_state(request_id, State.AVAILABLE)
    record(subject=request, sha256=request.sha256)
    return request


@action(Event.ACCESS_ENDED, needs="governance.answer_access")
def end_access(request_id: UUID, state: str, reason: str, *, by: User) -> AccessRequest:
    """Say that the copy goes, because it expired or its person was erased; whoever calls deletes it then.

    Raises NoSuchAccessRequest or AccessAnswered.
    """
    request = _in_state(request_id, State.AVAILABLE)
    request.state, request.note = state, reason
    request.save(update_fields=["state", "note"])
    record(subject=request, state=state, reason=reason, sha256=request.sha256)
    return request


def _in_state(request_id: UUID, wanted: str) -> AccessRequest:
    request = AccessRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None:
        raise NoSuchAccessRequest(f"There is no access request {request_id}.")
    if request.state != wanted:
        raise AccessAnswered(f"The access request is {request.state}. {request.note}".strip())
    return request

"""Remarks about change requests."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.events import Event
from governance.models import ChangeComment
from governance.queries.changes import change_with
from governance.words import require_words


@action(Event.CHANGE_COMMENTED, needs="governance.view_changerequest")
def comment_on_change(change_id: UUID, text: str, *, by: User) -> ChangeComment:
    """Say something about a change, open or closed, for everybody who may see it. Raises NoSuchChange or RationaleMissing."""
    change = change_with(change_id)
    require_words("text", text, "Say something.")
    entry = record(subject=change, text=text, state=change.state)
    return ChangeComment.objects.create(
        change_request=change, author=by, text=text, said_at=timezone.now(), entry=entry
    )

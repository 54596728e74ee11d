"""Reminders of changes that nobody decided yet."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.errors import AlreadyDecided, NoSuchChange, ReminderNotDue
from governance.events import Event
from governance.models import ChangeReminder, ChangeRequest
from governance.queries.changes import change_with, deciders_of, reminder_due, seats_awaited


@action(Event.CHANGE_REMINDED, needs="governance.watch_clock")
def remind_of_change(change_id: UUID, *, by: User) -> ChangeReminder:
    """Remind those who may decide, once for each of the days of `REMIND_BEFORE`. It stands on their desk; no mail is sent.

    Raises NoSuchChange, AlreadyDecided or ReminderNotDue.
    """
    now = timezone.now()
    locked = ChangeRequest.objects.select_for_update().filter(pk=change_id).first()
    if locked is None:
        raise NoSuchChange(f"There is no change request {change_id}.")
    change = change_with(change_id)
    if change.state != ChangeRequest.State.OPEN:
        raise AlreadyDecided(f"{change} is {change.state}.")
    days = reminder_due(change, now)
    if days is None:
        raise ReminderNotDue(f"No reminder of {change} is due, which expires at {change.expires_at:%Y-%m-%d %H:%M} UTC.")  # fmt: skip
    names = [person.get_username() for person in deciders_of(change)]
    entry = record(
        subject=change,
        days_before=days,
        expires_at=change.expires_at,
        awaited=seats_awaited(change),
        addressed_to=names,
    )
    return ChangeReminder.objects.create(
        change_request=change,
        days_before=days,
        addressed_to=names,
        reminded_at=now,
        entry=entry,
    )

"""A change that nobody decides is not forgotten: those who may decide it are reminded before it expires."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from audit.errors import NotPermitted
from audit.queries import service_account
from governance import sweeps
from governance.actions.changes import approve_change, withdraw_change
from governance.actions.reminders import remind_of_change
from governance.errors import AlreadyDecided, NoSuchChange, ReminderNotDue
from governance.models import ChangeReminder
from tests.conftest import a_person
from tests.governance.builders import (
    WHY,
    a_request,
    a_staged_version,
    assert_refused,
    last_entry,
    said,
)
from tests.registry.builders import a_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]


@pytest.fixture
def change(developer):
    return a_request(developer)


@pytest.fixture
def left(change, clock):
    """Sets the clock to so long before the change expires, and sweeps."""

    def sweep(span: timedelta) -> list[int]:
        clock(change.expires_at - span)
        sweeps.remind_of_changes()
        return list(ChangeReminder.objects.order_by("id").values_list("days_before", flat=True))

    return sweep


def test_reminders_come_once_each_seven_two_and_one_day_before_the_end(change, left, validator):
    days, hour = lambda n: timedelta(days=n), timedelta(hours=1)

    assert left(days(8)) == []
    assert left(days(7)) == [7]
    assert left(days(3)) == [7]
    assert left(days(2)) == [7, 2]
    assert left(days(2) - hour) == [7, 2]
    assert left(days(1)) == [7, 2, 1]
    assert left(hour) == [7, 2, 1]
    assert left(days(0)) == [7, 2, 1]


def test_a_reminder_says_whom_it_was_for_and_what_is_awaited(change, left, developer, validator):
    a_person("vera", "validator")
    a_person("someone", "approver")

    left(timedelta(days=7))

    reminder = ChangeReminder.objects.get()
    assert reminder.addressed_to == ["vera", "victor"]
    assert last_entry() == reminder.entry
    assert last_entry().event == "governance.change.reminded"
    assert said(last_entry())["awaited"] == ["governance.decide_staging"]
    assert said(last_entry())["addressed_to"] == ["vera", "victor"]


def test_where_nobody_may_decide_the_reminder_says_so(change, left):
    left(timedelta(days=2))

    assert ChangeReminder.objects.get().addressed_to == []


def test_whoever_approved_already_is_not_reminded(developer, validator, approver, clock):
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    asked = a_request(developer, version, "production")
    approve_change(asked.pk, WHY, by=a_person("vera", "validator"))
    clock(asked.expires_at - timedelta(days=1))

    sweeps.remind_of_changes()

    assert ChangeReminder.objects.get().addressed_to == ["amira"]


def test_after_a_time_without_sweeps_only_the_latest_reminder_is_left(left):
    assert left(timedelta(hours=5)) == [1]


def test_nobody_is_reminded_of_what_was_decided(change, left, developer):
    withdraw_change(change.pk, "Never mind.", by=developer)

    assert left(timedelta(days=1)) == []


def test_a_reminder_out_of_turn_is_refused(change, developer, clock):
    monitor = service_account("monitor")

    with pytest.raises(ReminderNotDue):
        remind_of_change(change.pk, by=monitor)
    with pytest.raises(NoSuchChange):
        remind_of_change(uuid4(), by=monitor)
    with pytest.raises(NotPermitted):
        remind_of_change(change.pk, by=developer)
    withdraw_change(change.pk, "Never mind.", by=developer)
    with pytest.raises(AlreadyDecided):
        remind_of_change(change.pk, by=monitor)

    assert_refused("governance.change.reminded", "already-decided")
    assert not ChangeReminder.objects.exists()


def test_the_desk_shows_it_with_the_days_that_are_left(change, left, validator, clock, signed_in):
    before = signed_in(validator).get("/").content.decode()
    left(timedelta(days=2))

    after = signed_in(validator).get("/").content.decode()

    assert "reminder: " not in before
    assert "reminder: 2 days left" in after


def test_the_changes_window_names_whom_a_reminder_was_for(change, left, validator, signed_in):
    a_person("vera", "validator")
    left(timedelta(days=2))

    window = signed_in(validator).get(f"/governance/changerequest/{change.pk}/change/")

    assert "vera, victor" in window.content.decode()


def test_the_database_keeps_reminders_and_refuses_one_of_a_closed_change(change, left, developer):
    left(timedelta(days=7))
    withdraw_change(change.pk, "Never mind.", by=developer)
    kept = ChangeReminder.objects.get()

    for write in (
        lambda: ChangeReminder.objects.update(addressed_to=["nobody"]),
        ChangeReminder.objects.all().delete,
        lambda: ChangeReminder.objects.create(
            change_request=change,
            days_before=2,
            addressed_to=[],
            reminded_at=kept.reminded_at,
            entry=last_entry(),
        ),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()

"""Who must still be told, until when, and what is left behind where nobody did."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from serving.actions.applications import record_status
from serving.models import Decision, LateNotice, NoticeAlert, NoticeCount
from serving.notices import due
from serving.notices.clock import State, Stop
from serving.tasks import watch_notices
from tests.conftest import a_person
from tests.serving.builders import GOOD
from tests.serving.notices.builders import a_notice_policy, decided_days_ago, sent
from tests.serving.notices.test_statuses import at, incomplete

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def policy(db):
    return a_notice_policy()


def clock_of(decision):
    return due.clock_of(decision, due.texts_in_force(timezone.now())[decision.model_name])


def waiting():
    now = timezone.now()
    return [row.pk for row in due.waiting_decisions(due.texts_in_force(now), now)]


def test_days_count_from_the_completed_application_or_from_receipt(champion, lending):
    completed = decided_days_ago(champion, 3, lending)
    received = decided_days_ago(champion, 4, lending, received_only=True)

    assert clock_of(completed).basis == "completed_at"
    assert clock_of(completed).due_at == completed.completed_at + timedelta(days=30)
    assert clock_of(received).basis == "received_at"
    assert clock_of(received).due_at == received.received_at + timedelta(days=30)
    assert waiting() == [received.pk, completed.pk]


def test_the_decision_s_own_time_moves_nothing(champion, lending):
    decision = decided_days_ago(champion, 31, lending)

    assert clock_of(decision).state(timezone.now()) == State.LATE


def scenarios(champion, lending):
    """(reference, decision, what stops its clock)."""
    for name, then, stop in (
        ("untold", [], None),
        ("withdrawn", ["withdrawn"], Stop.WITHDRAWN),
        ("accepted", ["counteroffer", "counteroffer_accepted"], Stop.COUNTEROFFER_ACCEPTED),
        ("offered", ["counteroffer"], None),
        ("declined offer", ["approved_offer_declined"], Stop.APPROVED_OFFER_DECLINED),
    ):
        decision = decided_days_ago(champion, 5, lending, application_ref=name)
        for status in then:
            record_status(name, {"status": status, "at": at()}, by=lending)
        yield decision, stop
    told = decided_days_ago(champion, 5, lending)
    sent(told, lending)
    yield told, Stop.NOTIFIED
    yield decided_days_ago(champion, 5, lending, features=GOOD), Stop.APPROVED
    rescored = decided_days_ago(champion, 5, lending, application_ref="again")
    decided_days_ago(champion, 1, lending, application_ref="again", features=GOOD)
    yield rescored, Stop.APPROVED
    twice = decided_days_ago(champion, 5, lending, application_ref="twice")
    sent(decided_days_ago(champion, 1, lending, application_ref="twice"), lending)
    yield twice, Stop.NOTIFIED


def test_one_clock_and_the_list_agree_on_what_stopped(champion, lending):
    found = list(scenarios(champion, lending))
    listed = set(waiting())

    for decision, stop in found:
        clock = clock_of(decision)
        assert clock.stopped_by == stop, decision
        assert (clock.state(timezone.now()) == State.STOPPED) == (decision.pk not in listed)


def test_a_notice_of_the_earlier_decision_does_not_tell_of_the_later_one(champion, lending):
    first = decided_days_ago(champion, 5, lending, application_ref="twice")
    sent(first, lending)
    second = decided_days_ago(champion, 1, lending, application_ref="twice")

    assert waiting() == [second.pk]


def test_a_counteroffer_that_nobody_took_gives_ninety_days_from_it(champion, lending):
    decision = decided_days_ago(champion, 5, lending, application_ref="A-9")
    offer = record_status("A-9", {"status": "counteroffer", "at": at()}, by=lending)

    clock = clock_of(decision)

    assert (clock.basis, clock.due_at) == ("counteroffer", offer.at + timedelta(days=90))
    now = timezone.now()
    [row] = due.waiting_decisions(due.texts_in_force(now), now)
    assert row.due_at == clock.due_at


def test_a_delivery_after_the_due_date_stops_the_clock_and_stays_late(champion, lending):
    decision = decided_days_ago(champion, 31, lending)
    sent(decision, lending)

    assert clock_of(decision).stopped_by == Stop.NOTIFIED
    assert clock_of(decision).stopped_late


def test_a_late_notice_is_noted_once_and_the_log_says_so(champion, lending):
    late = decided_days_ago(champion, 31, lending)
    decided_days_ago(champion, 29, lending)

    watch_notices()
    watch_notices()

    fact = LateNotice.objects.get()
    assert (fact.decision_id, fact.due_at) == (late.pk, late.completed_at + timedelta(days=30))
    entry = Entry.objects.get(event="serving.notices.late")
    assert (entry, entry.subject_id) == (fact.entry, str(late.pk))
    assert entry.actor_name == "monitor"


def test_nobody_is_late_who_was_told_withdrew_or_was_approved(champion, lending):
    for decision, stop in scenarios(champion, lending):
        if stop is not None:
            assert decision.pk not in waiting()
    told = decided_days_ago(champion, 31, lending)
    sent(told, lending)

    watch_notices()

    assert not LateNotice.objects.exists()


def test_each_alert_day_is_counted_once_with_how_many_passed_it(champion, lending, monkeypatch):
    for days in (21, 22, 26, 10):
        decided_days_ago(champion, days, lending)

    watch_notices()
    watch_notices()

    alerts = {alert.alert_day: alert.waiting for alert in NoticeAlert.objects.all()}
    assert alerts == {20: 3, 25: 1}
    assert NoticeAlert.objects.count() == 2
    assert Entry.objects.filter(event="serving.notices.due_soon").count() == 2

    decided_days_ago(champion, 20.01, lending)
    later = timezone.now() + timedelta(days=5)
    monkeypatch.setattr("serving.notices.watching.timezone.now", lambda: later)
    watch_notices()

    newest = NoticeAlert.objects.filter(alert_day=25).first()
    assert newest.waiting == 3  # the two of day 21 and 22, and the one of day 20


def test_what_a_look_counted_stands_until_the_next_one(
    champion, lending, django_assert_num_queries
):
    untold = [decided_days_ago(champion, days, lending) for days in (3, 21, 31, 33)]
    record_status("A-9", incomplete(champion, 31), by=lending)
    assert due.counts() == due.Counts(0, 0, None)

    watch_notices()
    sent(untold[2], lending)

    with django_assert_num_queries(1):
        found = due.counts()
    assert (found.due_soon, found.late) == (1, 3)
    watch_notices()
    later = due.counts()
    assert (later.due_soon, later.late) == (1, 2)
    assert later.counted_at > found.counted_at


def test_a_model_without_a_notice_policy_any_more_is_counted_no_more(champion, lending):
    NoticeCount.objects.create(model_name="gone", due_soon=5, late=5, counted_at=timezone.now())
    decided_days_ago(champion, 31, lending)

    watch_notices()

    assert (due.counts().due_soon, due.counts().late) == (0, 1)


def test_an_incomplete_application_has_a_clock_of_its_own(champion, lending):
    for name, days in (("A-1", 31), ("A-2", 31), ("A-3", 31), ("A-4", 3)):
        record_status(name, incomplete(champion, days), by=lending)
    told = {"status": "incompleteness_notified", "at": at(), "respond_by": "2126-01-01"}
    record_status("A-2", told, by=lending)
    decided_days_ago(champion, 0, lending, application_ref="A-3")
    now = timezone.now()

    listed = list(due.waiting_applications(due.texts_in_force(now), now))
    watch_notices()

    assert len(listed) == 2
    fact = LateNotice.objects.get(decision=None)
    assert fact.status == listed[0]
    assert fact.due_at == listed[0].at + timedelta(days=30)


def test_without_a_policy_nothing_is_due_and_that_is_said(champion, lending, policy):
    decided_days_ago(champion, 31, lending)
    early = policy.approved_at - timedelta(seconds=1)

    assert due.texts_in_force(early) == {}
    assert list(due.waiting_decisions({}, timezone.now())) == []
    assert due.without_notice_policy(early) == [champion.model.name]


def test_the_counts_tell_what_is_due_soon_from_what_is_late(champion, lending):
    for days in (3, 21, 26, 31, 40):
        decided_days_ago(champion, days, lending)
    watch_notices()

    assert (due.counts().due_soon, due.counts().late) == (2, 2)


def test_a_client_sees_its_own_and_people_see_all(
    champion, lending, client_of_lending, signed_in, auditor, developer
):
    other = a_person("broker", "scoring client")
    soon = decided_days_ago(champion, 26, lending)
    late = decided_days_ago(champion, 31, other)

    mine = client_of_lending.get("/api/v1/notices/due").json()["results"]
    everything = signed_in(auditor).get("/api/v1/notices/due").json()["results"]

    assert [row["decision_id"] for row in mine] == [str(soon.pk)]
    assert [row["decision_id"] for row in everything] == [str(late.pk), str(soon.pk)]
    assert [row["state"] for row in everything] == ["late", "alert"]
    assert mine[0]["legal_basis"] == "12 CFR 1002.9(a)(1)(i)"
    nobody = a_person("nobody")
    assert signed_in(nobody).get("/api/v1/notices/due").status_code == 403


def test_what_ran_out_long_ago_is_watched_no_more_and_its_fact_stays(champion, lending):
    decided_days_ago(champion, 31, lending)
    watch_notices()
    later = timezone.now() + timedelta(days=181)

    assert not due.waiting_decisions(due.texts_in_force(later), later).exists()
    assert LateNotice.objects.count() == 1
    assert Decision.objects.count() == 1

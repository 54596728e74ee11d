"""Thirty days from the completed application, by hand: 12 CFR 1002.9(a)(1)."""

from datetime import UTC, datetime, timedelta

import pytest

from serving.notices.clock import Running, State, Stop
from serving.notices.texts import Clock

COMPLETED = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
THIRTY = Clock(30, (20, 25), "12 CFR 1002.9(a)(1)(i)")
CLOCK = Running("completed_at", COMPLETED, THIRTY)


@pytest.mark.parametrize(
    ("now", "state", "day"),
    [
        (COMPLETED, State.RUNNING, None),
        (datetime(2026, 11, 21, 9, 29, tzinfo=UTC), State.RUNNING, None),
        (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), State.ALERT, 20),
        (datetime(2026, 11, 26, 9, 30, tzinfo=UTC), State.ALERT, 25),
        (datetime(2026, 12, 1, 9, 30, tzinfo=UTC), State.ALERT, 25),
        (datetime(2026, 12, 1, 9, 31, tzinfo=UTC), State.LATE, 25),
    ],
)
def test_the_state_follows_from_the_time(now, state, day):
    assert CLOCK.due_at == datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    assert (CLOCK.state(now), CLOCK.alert_day(now)) == (state, day)


@pytest.mark.parametrize("stop", list(Stop))
def test_what_stopped_a_clock_stops_it_for_good(stop):
    stopped = Running("completed_at", COMPLETED, THIRTY, stop, COMPLETED + timedelta(days=3))

    assert stopped.state(COMPLETED + timedelta(days=400)) == State.STOPPED
    assert not stopped.stopped_late


def test_telling_somebody_too_late_ends_the_clock_and_stays_late():
    late = Running(
        "completed_at", COMPLETED, THIRTY, Stop.NOTIFIED, COMPLETED + timedelta(days=30, minutes=1)
    )

    assert late.state(COMPLETED + timedelta(days=40)) == State.STOPPED
    assert late.stopped_late


def test_a_policy_may_alert_of_nothing():
    quiet = Running("incomplete", COMPLETED, Clock(30, (), "12 CFR 1002.9(c)"))

    assert quiet.state(COMPLETED + timedelta(days=29)) == State.RUNNING

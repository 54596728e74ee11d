"""What the sequencer does for the keys by itself."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from audit import key_making, keys
from audit.events import Event
from audit.models import Entry
from audit.queries import service_account
from audit.sequencer import seal
from audit.upkeep import upkeep
from audit.verification import verify_log


def keep_up() -> list[str]:
    steps: list[str] = []
    upkeep(by=service_account("sequencer"), on_step=steps.append)
    return steps


def with_days_left(log: str, days: int) -> None:
    """A producer key of which so many days of thirty are left."""
    made = timezone.now() - timedelta(days=30 - days)
    key_making.install_producer(key_making.prepare_producer(log, made))


def test_nothing_is_done_while_nothing_is_due(log: str) -> None:
    seal()

    assert keep_up() == []


@pytest.mark.parametrize("days", [9, -3])
def test_the_producer_key_is_renewed_as_an_act_of_the_sequencer_even_when_it_is_over(
    log: str, keeper: User, days: int
) -> None:
    seal()
    with_days_left(log, days)
    before = keys.installed_producer().key_id

    keep_up()
    assert keys.installed_producer().key_id == before
    seal()
    keep_up()

    assert keys.producer().key_id != before
    assert keys.producer_seconds_left() > timedelta(days=29).total_seconds()
    introduced = Entry.objects.filter(event=Event.PRODUCER_KEY_INTRODUCED).order_by("-pk")
    assert introduced[0].actor_name == "sequencer"
    assert keep_up() == []


def test_a_key_with_ten_days_left_is_not_renewed_yet(log: str) -> None:
    with_days_left(log, 11)

    assert keep_up() == []


def test_a_replaced_key_is_retired_the_day_after(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys.producer().key_id
    key_making.install_producer(key_making.prepare_producer(log, timezone.now()))
    assert keep_up() == []

    tomorrow: datetime = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr("audit.upkeep.timezone.now", lambda: tomorrow)

    assert keep_up() == [f"retired {before}"]
    assert keep_up() == []
    assert Entry.objects.get(event=Event.PRODUCER_KEY_RETIRED).subject_id == before


def test_after_a_renewal_the_log_holds(log: str, keeper: User) -> None:
    seal()
    key_making.prepare_producer(log, timezone.now())  # a renewal that was begun
    keep_up()
    seal()
    keep_up()
    seal()

    assert verify_log(by=keeper).problems == []

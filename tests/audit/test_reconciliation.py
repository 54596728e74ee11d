"""Every hour the log says what it holds, and what is taken away later is missed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone

from audit import action, reconciliation, writing
from audit.actions.heartbeats import write_heartbeat
from audit.actions.keys import open_log
from audit.actions.passes import request_verification
from audit.liveness import reconcile_due
from audit.models import Entry, LogPass
from audit.reconciliation import counted, ids_sha256, problems_of, public_part
from audit.verification import verify_log
from audit.writing import TookTooLong
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG
from tests.audit.tampering import drop_triggers, run, without_foreign_keys

HOUR = (datetime.now(UTC) - timedelta(hours=4)).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What time it is: `clock[0]`."""
    now = [HOUR + timedelta(minutes=10)]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


@pytest.fixture
def log(own_folders: Path, keeper: User, clock: list[datetime]) -> str:
    open_log(LOG, by=keeper)
    return LOG


def reconciliations() -> list[Entry]:
    return list(Entry.objects.filter(event="audit.reconciliation").order_by("pk"))


@pytest.fixture
def hour(log: str, keeper: User, clock: list[datetime]) -> str:
    """An hour with three notes and a request in it, reconciled; the log's origin."""
    some_entries(3, by=keeper)
    request_verification(by=keeper)
    clock[0] = HOUR + timedelta(hours=1, minutes=5)
    reconcile_due(by=keeper)
    return log


def test_an_hour_is_counted_by_event_and_by_table_with_the_digest_of_ids(hour: str) -> None:
    said = public_part(reconciliations()[-1])
    notes = Entry.objects.filter(event="tests.noted").values_list("pk", flat=True)

    assert said["from"] == f"{HOUR:%Y-%m-%dT%H:%M:%S}.000000Z"
    assert said["until"] == f"{HOUR + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000000Z"
    assert said["events"]["tests.noted"] == {"count": 3, "ids_sha256": ids_sha256(notes)}
    asked = LogPass.objects.get()
    assert said["records"]["audit.logpass"]["ids_sha256"] == ids_sha256([asked.entry_id])


def test_an_hour_is_not_counted_until_five_minutes_after_its_end(
    log: str, keeper: User, clock: list[datetime]
) -> None:
    some_entries(1, by=keeper)
    clock[0] = HOUR + timedelta(hours=1, minutes=4, seconds=59)

    assert reconcile_due(by=keeper) == 0


def test_missed_hours_are_made_up_for_oldest_first_and_none_twice(
    log: str, keeper: User, clock: list[datetime]
) -> None:
    some_entries(1, by=keeper)
    clock[0] = HOUR + timedelta(hours=3, minutes=30)

    made, again = reconcile_due(by=keeper), reconcile_due(by=keeper)

    assert (made, again) == (3, 0)
    hours = [public_part(entry)["from"][:13] for entry in reconciliations()]
    assert hours == [f"{HOUR + timedelta(hours=n):%Y-%m-%dT%H}" for n in range(3)]


def test_an_idle_hour_is_reconciled_too_so_that_silence_is_told_from_loss(
    hour: str, keeper: User, clock: list[datetime]
) -> None:
    clock[0] = HOUR + timedelta(hours=2, minutes=5)
    reconcile_due(by=keeper)
    clock[0] = HOUR + timedelta(hours=3, minutes=5)
    reconcile_due(by=keeper)

    last = public_part(reconciliations()[-1])

    assert set(last["events"]) == {"audit.reconciliation"}


def test_what_was_reconciled_and_is_still_there_holds(hour: str, keeper: User) -> None:
    assert list(problems_of(hour)) == []
    assert [p for p in verify_log(by=keeper).problems if p.startswith("reconciliations")] == []


def test_an_entry_that_was_deleted_before_it_was_sealed_is_missed(hour: str, keeper: User) -> None:
    lost = Entry.objects.filter(event="tests.noted").first()
    assert lost is not None
    drop_triggers("audit_entry")
    with without_foreign_keys():
        run("DELETE FROM audit_outbox WHERE entry_id = %s", _key(lost))
        run("DELETE FROM audit_entry WHERE id = %s", _key(lost))

    [problem] = [p for p in verify_log(by=keeper).problems if p.startswith("reconciliations")]

    assert "the log said 3 of tests.noted, the database holds 2" in problem


def test_a_recorded_row_that_was_deleted_is_missed(hour: str) -> None:
    drop_triggers("audit_logpass")
    run("DELETE FROM audit_logpass")

    assert "the log said 1 of audit.logpass, the database holds 0" in next(problems_of(hour))


def test_an_entry_that_was_exchanged_for_another_is_missed_though_the_count_is_right(
    hour: str,
) -> None:
    drop_triggers("audit_entry")
    old, other = (
        Entry.objects.filter(event="tests.noted")[0],
        Entry.objects.filter(event="tests.noted")[1],
    )
    with without_foreign_keys():
        run("DELETE FROM audit_entry WHERE id = %s", _key(old))
        other.pk = writing.uuid7()
        other.save(force_insert=True)

    assert "holds 3 others" in next(problems_of(hour))


def _key(entry: Entry) -> object:
    from django.db import connection

    return entry.pk.hex if connection.vendor == "sqlite" else entry.pk


def test_an_act_that_takes_minutes_from_recording_to_its_end_is_rolled_back(
    log: str, keeper: User, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, whole = Entry.objects.count(), action.insert_entries

    def minutes_later(made: list[Entry], beside: list[Model]) -> None:
        clock[0] += timedelta(minutes=5)
        whole(made, beside)

    monkeypatch.setattr(action, "insert_entries", minutes_later)
    monkeypatch.setattr(action, "_record_refusal", lambda *refused: None)  # it is slow, too

    with pytest.raises(TookTooLong):
        write_heartbeat(by=keeper)

    assert Entry.objects.count() == before


def test_counting_is_limited_to_the_hour_and_the_shard(log: str, keeper: User) -> None:
    some_entries(1, by=keeper)
    tomorrow = HOUR + timedelta(days=1)

    assert counted(log, tomorrow, tomorrow + timedelta(hours=1)) == {"events": {}, "records": {}}
    assert counted("another/2026", HOUR, HOUR + timedelta(hours=1))["events"] == {}


def test_the_digest_is_over_sorted_lower_case_ids_each_with_a_newline() -> None:
    import hashlib
    from uuid import UUID

    a, b = UUID(int=1), UUID(int=2)

    assert ids_sha256([b, a]) == hashlib.sha256(f"{a}\n{b}\n".encode()).hexdigest()
    assert timedelta(minutes=5) == reconciliation.GRACE

"""Tables in monthly parts: every rule holds on every part, and nothing is refused where a month was not made."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection, transaction
from django.test import Client

from audit import partitions, triggers
from audit.checks import NotFitToServe, months_are_made_ahead, require_fit_to_serve
from audit.ids import first_key, uuid7
from audit.models import Entry
from tests.audit.tampering import run

pytestmark = pytest.mark.django_db
PARTS = ["audit_entry", "audit_entry_default", f"audit_entry_{datetime.now(UTC):%Y_%m}"]


@pytest.fixture
def parted() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite keeps plain tables")


def an_entry(key: UUID) -> Entry:
    return Entry.objects.create(
        id=key, origin="tests", event="tests.noted", occurred_at=datetime.now(UTC), actor_id="1",
        actor_name="keeper", subject_type="tests.note", subject_id="1", body=b"{}", leaf_hash=bytes(32),
    )  # fmt: skip


def part_of(key: UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_entry WHERE id = %s", [key])
        return str(cursor.fetchone()[0])


def test_an_entry_lies_in_the_month_in_which_it_was_made(parted: None) -> None:
    entry = an_entry(uuid7())

    assert part_of(entry.pk) == f"audit_entry_{datetime.now(UTC):%Y_%m}"


@pytest.mark.parametrize(
    ("moment", "part"),
    [
        (datetime(2031, 1, 31, 23, 59, 59, 999000, tzinfo=UTC), "audit_entry_2031_01"),
        (datetime(2031, 2, 1, tzinfo=UTC), "audit_entry_2031_02"),
    ],
)
def test_a_month_begins_at_its_first_millisecond(
    parted: None, moment: datetime, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions.timezone, "now", lambda: datetime(2031, 1, 15, tzinfo=UTC))
    partitions.make_months(connection, "audit_entry", 1)

    entry = an_entry(UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 2 << 62))

    assert part_of(entry.pk) == part


def test_an_entry_of_a_month_that_nobody_made_is_kept_in_the_default_part(parted: None) -> None:
    late = an_entry(first_key(datetime(2040, 5, 1, tzinfo=UTC)))

    assert part_of(late.pk) == "audit_entry_default"


def test_a_month_that_already_has_rows_in_the_default_part_stays_there(
    parted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_entry(first_key(datetime(2040, 5, 1, tzinfo=UTC)))
    monkeypatch.setattr(partitions.timezone, "now", lambda: datetime(2040, 5, 9, tzinfo=UTC))

    made = partitions.make_months(connection, "audit_entry", 1)

    assert made == ["audit_entry_2040_06"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET body = '{{}}'", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_no_part_can_be_changed_however_it_is_addressed(
    parted: None, part: str, statement: str
) -> None:
    an_entry(uuid7())
    an_entry(first_key(datetime(2040, 5, 1, tzinfo=UTC)))

    with pytest.raises(DatabaseError, match=r"append-only|never truncated"), transaction.atomic():
        run(statement.format(part))


def test_an_entry_put_straight_into_a_part_waits_in_the_outbox_too(parted: None) -> None:
    run(
        f"INSERT INTO {PARTS[2]} SELECT %s, 'tests', 'e', now(), '1', 'n', 's', '1', '', NULL, '', ''",
        uuid7(),
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_outbox WHERE origin = 'tests'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize("trigger", ["no_update", "no_delete", "no_truncate", "outbox"])
def test_a_trigger_that_is_off_on_one_part_is_named(parted: None, trigger: str) -> None:
    run(f"ALTER TABLE {PARTS[2]} DISABLE TRIGGER audit_entry_{trigger}")

    with pytest.raises(NotFitToServe, match=f"audit_entry_{trigger} on {PARTS[2]}"):
        require_fit_to_serve()


def test_a_part_that_was_made_by_hand_lacks_its_truncate_trigger_and_is_named(parted: None) -> None:
    run(
        "CREATE TABLE by_hand PARTITION OF audit_entry FOR VALUES FROM "
        "('f0000000-0000-0000-0000-000000000000') TO ('f1000000-0000-0000-0000-000000000000')"
    )

    assert triggers.missing(connection) == ["audit_entry_no_truncate on by_hand"]


def test_months_are_made_for_every_partitioned_table_and_enough_of_them(parted: None) -> None:
    assert set(triggers.partitions(connection)) == {"audit_entry", "serving_decision"}
    assert partitions.months_left(connection) == 2
    assert months_are_made_ahead(databases=["default"]) == []


def test_running_out_of_months_is_a_warning_of_the_deploy_check_and_of_readyz(
    parted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    month = partitions._next(datetime.now(UTC).date())
    later = datetime(month.year, month.month, 2, tzinfo=UTC)
    monkeypatch.setattr(partitions.timezone, "now", lambda: later)

    [warning] = [
        message
        for message in run_checks(include_deployment_checks=True, databases=["default"])
        if message.id == "audit.W001"
    ]
    answer = Client().get("/readyz")

    assert "ready for 1 more month(s)" in warning.msg
    assert answer.status_code == 200
    assert "manage.py migrate" in answer.json()["warnings"][0]


def test_sqlite_keeps_plain_tables_and_warns_of_nothing() -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL has parts")

    assert partitions.months_left(connection) is None
    assert months_are_made_ahead(databases=["default"]) == []

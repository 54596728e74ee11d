"""Lists of large tables ask the database for no more than they show."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import admin_lists
from audit.admin_lists import MadeFilter, known_values
from audit.ids import first_key, moment_of, uuid7
from audit.models import Entry, Subject
from tests.audit.acts import some_entries

PAGE = "/audit/entry/"


def made(moment: datetime) -> Subject:
    return Subject.objects.create(id=first_key(moment))


def narrowed(rf, value: str) -> set[UUID]:
    """What the filter leaves of the subjects."""
    window = admin.ModelAdmin(Subject, admin.site)
    chosen = MadeFilter(rf.get("/"), {"made": [value]}, Subject, window)
    return set(chosen.queryset(rf.get("/"), Subject.objects.all()).values_list("pk", flat=True))


def test_a_list_counts_no_further_than_its_bound_and_says_so(
    log, keeper, signed_in, auditor, monkeypatch
):
    some_entries(60, by=keeper)
    monkeypatch.setattr(admin_lists, "MOST_COUNTED", 55)
    browser = signed_in(auditor)

    with CaptureQueriesContext(connection) as asked:
        page = " ".join(browser.get(PAGE).content.decode().split())

    assert "the first 55 of more entries" in page
    assert "55 results" not in page
    [count] = [
        query["sql"]
        for query in asked
        if "COUNT(*)" in query["sql"] and '"audit_entry"' in query["sql"]
    ]
    assert "LIMIT 56" in count
    assert "ORDER BY" not in count


def test_the_last_page_ends_at_the_bound(log, keeper, signed_in, auditor, monkeypatch):
    some_entries(60, by=keeper)
    monkeypatch.setattr(admin_lists, "MOST_COUNTED", 55)

    answer = signed_in(auditor).get(f"{PAGE}?p=2")

    assert len(answer.context["cl"].result_list) == 5
    assert signed_in(auditor).get(f"{PAGE}?p=3").status_code == 302


def test_a_short_list_says_how_many_there_are(log, keeper, signed_in, auditor):
    some_entries(3, by=keeper)

    page = signed_in(auditor).get(PAGE).content.decode()

    assert f"{Entry.objects.count()} entries" in " ".join(page.split())
    assert "of more" not in page


def test_no_page_of_the_log_reads_all_values_or_all_times(log, keeper, signed_in, auditor):
    some_entries(3, by=keeper)

    with CaptureQueriesContext(connection) as asked:
        signed_in(auditor).get(PAGE)

    for query in asked:
        if '"audit_entry"' in query["sql"]:
            assert "DISTINCT" not in query["sql"]
            assert 'occurred_at") AS' not in query["sql"], "the first and last time of all"


def test_the_values_of_a_column_are_found_in_order(log, keeper):
    some_entries(3, by=keeper)

    found = known_values(Entry._meta.get_field("event"))

    assert found == sorted(set(Entry.objects.values_list("event", flat=True)))


@pytest.mark.django_db
def test_months_are_offered_from_the_newest_row_to_the_oldest_and_days_of_the_one_chosen(rf):
    made(datetime(2020, 12, 30, tzinfo=UTC))
    made(datetime(2021, 2, 1, tzinfo=UTC))
    window = admin.ModelAdmin(Subject, admin.site)

    offered = MadeFilter(rf.get("/"), {"made": ["2021-02-03"]}, Subject, window).lookup_choices

    values = [value for value, _ in offered]
    assert values[:4] == ["1", "7", "30", "2021-02"]
    assert values[4:32] == [f"2021-02-{day:02}" for day in range(1, 29)]
    assert values[32:] == ["2021-01", "2020-12"]


def test_an_identifier_says_when_it_was_made():
    at = datetime(2026, 11, 29, 12, 30, 0, 125_000, UTC)

    assert moment_of(first_key(at)) == at
    assert abs((moment_of(uuid7()) - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("2020-10", {"october", "last moment of october"}),
        ("2020-11", {"november"}),
        ("2020-10-31", {"last moment of october"}),
        ("30", set()),
        ("2020-13", {"october", "last moment of october", "november"}),
        ("9999-11-30", set()),
        ("1969-12", {"october", "last moment of october", "november"}),
        ("9999-12-31", {"october", "last moment of october", "november"}),
        ("nonsense", {"october", "last moment of october", "november"}),
    ],
)
def test_rows_are_narrowed_by_when_they_were_made(rf, value, left):
    rows = {
        "october": made(datetime(2020, 10, 1, tzinfo=UTC)),
        "last moment of october": made(datetime(2020, 10, 31, 23, 59, 59, 999_000, UTC)),
        "november": made(datetime(2020, 11, 1, tzinfo=UTC)),
    }

    assert narrowed(rf, value) == {rows[name].pk for name in left}

"""How thoroughly changes were challenged: the figures against hand-worked ones, and what leads to them."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from governance.actions.changes import approve_change, reject_change, request_revocation
from governance.actions.evidence import open_comparison, open_part
from governance.actions.rollbacks import roll_back
from governance.actions.versions import suspend_version
from governance.effective_challenge import (
    REVERSED_WITHIN,
    Challenge,
    PartOpened,
    as_rows,
    measures,
)
from governance.queries.challenge import challenges, measured_between
from tests.governance.builders import (
    WHY,
    a_champion,
    a_measured_version,
    a_request,
    a_staged_version,
    later,
    read_and_approve,
)
from tests.governance.test_api import get

pytestmark = pytest.mark.django_db


def a_challenge(approver: str = "amira", minutes: float | None = 10, **changes) -> Challenge:
    fields = {
        "approved": True,
        "looked": None if minutes is None else timedelta(minutes=minutes),
        "opened": frozenset({"gate_report"}),
        "available": frozenset({"gate_report", "comparison"}),
    }
    return Challenge(approver, **{**fields, **changes})


def everything() -> list[Challenge]:
    now = timezone.now()
    return challenges(now - timedelta(days=1000), now + timedelta(days=1000), now)


def test_the_figures_of_everybody_and_of_each_person():
    decisions = [
        a_challenge("amira", 2, took_effect=True, reversal="rollback", is_watched=True),
        a_challenge("amira", 4, took_effect=True, conditions=2),
        a_challenge("amira", 30, approved=False, opened=frozenset({"gate_report", "comparison"})),
        a_challenge("victor", None, opened=frozenset(), took_effect=True, is_watched=True),
    ]

    everybody, amira, victor = measures(decisions)

    assert (everybody.approver, amira.approver, victor.approver) == ("", "amira", "victor")
    assert (everybody.decided, everybody.approved, everybody.rejected) == (4, 3, 1)
    assert everybody.rejection_share == 0.25
    assert everybody.with_conditions == 1
    assert everybody.seconds == (180.0, 240.0, 1020.0)  # of 2, 4 and 30 minutes
    assert [n for _, n in everybody.times] == [1, 0, 2, 0, 1, 0, 0, 0]
    assert everybody.parts == [PartOpened("comparison", 4, 1), PartOpened("gate_report", 4, 3)]
    assert (everybody.took_effect, everybody.reversals) == (3, {"rollback": 1})
    assert everybody.reversal_share == pytest.approx(1 / 3)
    assert everybody.watched == 1  # what was reversed is not watched any more
    assert (victor.seconds, victor.rejection_share, victor.reversal_share) == (None, 0.0, 0.0)
    assert amira.rejection_share == pytest.approx(1 / 3)


def test_where_nothing_was_decided_there_is_nothing_to_say():
    (nobody,) = measures([])

    assert nobody.decided == 0
    assert (nobody.seconds, nobody.rejection_share, nobody.reversal_share) == (None, None, None)


@pytest.mark.parametrize(
    ("minutes", "label"),
    [(0, "under 1 min"), (1, "1 to 5 min"), (60, "1 to 4 h"), (24 * 60, "over 1 day")],
)
def test_each_time_falls_into_one_class_and_its_lower_end_belongs_to_it(minutes, label):
    (everybody, _) = measures([a_challenge(minutes=minutes)])

    assert [name for name, n in everybody.times if n] == [label]


def test_the_table_has_a_line_per_person_under_its_names():
    head, everybody, amira, victor = as_rows(
        measures([a_challenge("amira"), a_challenge("victor", available=frozenset())])
    )

    assert [len(row) for row in (everybody, amira, victor)] == [len(head)] * 3
    assert [everybody[0], amira[0], victor[0]] == ["(everybody)", "amira", "victor"]
    assert victor[head.index("available: gate_report")] == 0
    assert amira[head.index("seconds_median")] == 600.0


def test_the_time_runs_from_the_first_opening_on_that_request_to_the_decision(
    developer, validator, approver, clock
):
    former = a_champion(developer, validator, approver)
    asked = a_request(
        developer, a_staged_version(developer, validator, model=former.model), "production"
    )
    start = timezone.now()
    open_part(asked.pk, "gate_report", by=validator)  # somebody else's does not count
    clock(start + timedelta(minutes=5))
    open_part(asked.pk, "gate_report", by=approver)
    clock(start + timedelta(minutes=45))
    open_comparison(asked.pk, by=approver)
    clock(start + timedelta(minutes=65))
    approve_change(asked.pk, WHY, by=approver)
    clock(start + timedelta(minutes=66))
    open_part(asked.pk, "performance", by=approver)  # too late

    last = everything()[-1]

    assert last.approver == "amira"
    assert last.looked == timedelta(hours=1)
    assert last.opened == {"gate_report", "comparison"}
    assert last.available == {"gate_report", "performance", "comparison"}
    assert last.took_effect
    assert last.is_watched


def test_a_first_champion_had_nothing_to_be_compared_with(developer, validator, approver):
    a_champion(developer, validator, approver)

    assert [each.available for each in everything()] == [{"gate_report", "performance"}] * 2
    assert [each.looked for each in everything()] == [None, None]


def test_a_rejection_counts_and_took_no_effect(developer, validator):
    change = a_request(developer)
    reject_change(change.pk, "The label leaks.", by=validator)

    (only,) = everything()

    assert (only.approved, only.took_effect, only.reversal) == (False, False, None)


@pytest.mark.usefixtures("lasting_key")
@pytest.mark.parametrize(
    ("days", "reversal"), [(89, "suspension"), (91, None)], ids=["in time", "later"]
)
def test_a_suspension_reverses_an_approval_within_the_time_that_counts(
    days, reversal, developer, validator, operator, clock
):
    assert timedelta(days=89) < REVERSED_WITHIN < timedelta(days=91)
    version = a_staged_version(developer, validator)
    clock(later(days))

    suspend_version(version, "Wrong income field.", by=operator)

    (only,) = everything()
    assert only.reversal == reversal
    assert only.is_watched == (days < 90)


def test_a_rollback_and_a_revocation_are_told_apart_from_a_suspension(
    developer, validator, approver
):
    former = a_champion(developer, validator, approver)
    version = a_champion(developer, validator, approver, model=former.model)
    roll_back(version.model, "It declines everybody.", by=approver)
    former.refresh_from_db()
    revocation = request_revocation(former, "The product ends.", by=developer)
    approve_change(revocation.pk, WHY, by=approver)

    found = everything()

    reversals = [each.reversal for each in found]
    assert reversals == ["revocation", "revocation", "rollback", "rollback", None]
    assert [each.took_effect for each in found] == [True] * 4 + [False]


def test_a_period_holds_its_first_and_its_last_day_as_a_whole(developer, validator, clock):
    now = timezone.now().replace(hour=23, minute=59)
    clock(now)
    approve_change(a_request(developer).pk, WHY, by=validator)
    day = timedelta(days=1)

    today = now.date()
    counts = [
        measured_between(start, end, now)[0].decided
        for start, end in (
            (today, today),
            (today - day, today - day),
            (today + day, today + day),
        )
    ]

    assert counts == [1, 0, 0]


def test_over_http_the_figures_are_for_approvers_and_auditors(
    developer, validator, approver, auditor
):
    change = a_request(developer)
    open_part(change.pk, "gate_report", by=validator)
    read_and_approve(change.pk, by=validator)

    shown = get(auditor, "effective-challenge").json()
    file = get(approver, "effective-challenge.csv")

    assert shown["reversed_within_days"] == 90
    everybody, victor = shown["measures"]
    assert (everybody["approver"], victor["approver"]) == (None, "victor")
    assert victor["parts"] == [
        {"part": "gate_report", "decisions": 1, "opened": 1, "share": 1.0},
        {"part": "performance", "decisions": 1, "opened": 0, "share": 0.0},
    ]
    rows = list(csv.DictReader(io.StringIO(file.content.decode())))
    assert file["Content-Type"].startswith("text/csv")
    assert [row["approver"] for row in rows] == ["(everybody)", "victor"]
    assert rows[1]["opened: gate_report"] == "1"
    for path in ("effective-challenge", "effective-challenge.csv"):
        assert get(validator, path).status_code == 403
        assert get(auditor, f"{path}?start=2026-02-01&end=2026-01-01").status_code == 400
        assert get(auditor, f"{path}?begin=2026-02-01").status_code == 400


def test_the_page_shows_them_with_a_picture(developer, validator, auditor, signed_in):
    approve_change(a_request(developer).pk, WHY, by=validator)
    browser = signed_in(auditor)

    page = browser.get("/effective-challenge/").content.decode()
    empty = browser.get("/effective-challenge/?start=2020-01-01&end=2020-02-01").content.decode()
    wrong = browser.get("/effective-challenge/?start=2020-03-01&end=2020-02-01").content.decode()

    assert 'alt="Decisions by the time from first opening evidence to deciding"' in page
    assert "victor" in page
    assert "0 of 1 (0%)" in page
    assert "Nothing was decided in this period." in empty
    assert "Must not lie before the start." in wrong
    assert signed_in(validator).get("/effective-challenge/").status_code == 403
    assert "/effective-challenge/" in browser.get("/").content.decode()


def test_more_decisions_about_staging_ask_the_database_no_more(
    developer, validator, django_assert_max_num_queries
):
    for _ in range(3):
        version = a_measured_version(developer)
        approve_change(a_request(developer, version).pk, WHY, by=validator)

    with django_assert_max_num_queries(6):
        assert len(everything()) == 3

"""Retention: calendar years from a class's own start, by rules that are data."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from audit.retention import BadSchedule, NoRule, Period, Schedule, parse_schedule
from audit.schedules import ScheduleUnusable, retention_schedule

SHIPPED = Path(__file__).resolve().parents[2] / "audit" / "retention.toml"
RULE = """
[[rule]]
record_class = "audit_event"
jurisdiction = "any"
years = 7
basis = "policy"
citation = "Bank policy"
valid_from = 2020-01-01
"""
SMALL = f"""
schema = "credence-retention/1"
lock_margin_days = 30
[start_events]
recorded = "at_record"
retirement = "later"
[classes.audit_event]
start_event = "recorded"
{RULE}
"""


@pytest.fixture
def shipped() -> Schedule:
    return parse_schedule(SHIPPED.read_text())


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        (date(2026, 11, 21), Period(7), date(2033, 11, 21)),
        (date(2024, 2, 29), Period(7), date(2031, 3, 1)),
        (date(2024, 2, 29), Period(4), date(2028, 2, 29)),
        (date(2024, 2, 29), Period(8), date(2032, 2, 29)),
        (date(2025, 2, 28), Period(7), date(2032, 2, 28)),
        (date(2026, 1, 31), Period(0, 25), date(2028, 3, 1)),
        (date(2025, 12, 31), Period(0, 6), date(2026, 7, 1)),
        (date(2026, 10, 31), Period(0, 25), date(2028, 12, 1)),
        (date(2025, 12, 31), Period(0, 12), date(2026, 12, 31)),
        (date(2025, 11, 30), Period(0, 3), date(2026, 3, 1)),
    ],
)
def test_periods_are_calendar_years_and_months_and_never_a_day_too_short(
    start: date, period: Period, end: date
) -> None:
    assert period.after(start) == end


def test_seven_years_are_not_2555_days() -> None:
    assert (Period(7).after(date(2026, 11, 21)) - date(2026, 11, 21)).days == 2557
    assert (Period(7).after(date(2025, 1, 1)) - date(2025, 1, 1)).days == 2556


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)), st.integers(1, 30), st.integers(0, 40))
def test_a_later_start_never_ends_earlier(start: date, years: int, months: int) -> None:
    period = Period(years, months)

    assert period.after(start) <= period.after(start + timedelta(days=1))
    assert period.after(start) >= start + timedelta(days=365 * years)


def test_decisions_are_kept_seven_years_from_notification_although_the_law_asks_for_25_months(
    shipped: Schedule,
) -> None:
    notified = date(2026, 11, 21)

    assert shipped.end_of("decision", notified, "US") == date(2033, 11, 21)
    assert {r.basis for r in shipped.rules_for("decision", notified, "US")} == {"law", "policy"}


def test_technical_documentation_of_the_eu_is_kept_ten_years_and_has_no_rule_elsewhere(
    shipped: Schedule,
) -> None:
    assert shipped.end_of("technical_documentation", date(2026, 1, 1), "EU") == date(2036, 1, 1)
    with pytest.raises(NoRule):
        shipped.end_of("technical_documentation", date(2026, 1, 1), "US")


def test_a_rule_counts_only_while_it_is_in_force() -> None:
    later = RULE.replace("years = 7", "years = 10").replace("2020-01-01", "2027-01-01")
    schedule = parse_schedule(SMALL.replace(RULE, f"{RULE}valid_to = 2027-01-01\n{later}"))

    assert schedule.end_of("audit_event", date(2026, 12, 31), "US") == date(2033, 12, 31)
    assert schedule.end_of("audit_event", date(2027, 1, 1), "US") == date(2037, 1, 1)
    with pytest.raises(NoRule):
        schedule.end_of("audit_event", date(2019, 12, 31), "US")


def test_an_epoch_is_locked_for_the_longest_fixed_period_and_the_margin(shipped: Schedule) -> None:
    end = date(2026, 11, 21)

    assert shipped.longest_fixed(end) == Period(7)
    assert shipped.locked_until(end) == date(2033, 11, 21) + timedelta(days=120)


def test_an_entry_belongs_to_the_classes_that_claim_it_and_else_to_audit_events(
    shipped: Schedule,
) -> None:
    def names(event: str, subject: str) -> list[str]:
        return [c.name for c in shipped.classes_of(event, subject)]

    assert names("serving.decision.made", "serving.decision") == ["decision"]
    assert names("audit.heartbeat", "audit.log") == ["audit_event"]
    assert names("registry.version.registered", "registry.modelversion") == [
        "model_document",
        "technical_documentation",
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("credence-retention/1", "other"), "schema must be"),
        (("years = 7", ""), "rule 1 needs years or months"),
        (("years = 7", "years = 7.5"), "rule 1.years must be a whole number"),
        (("years = 7", "days = 2555"), "rule 1 has the unknown field days"),
        (('"audit_event"', '"other"'), "rule 1.record_class must be one of audit_event"),
        (('"policy"', '"habit"'), "rule 1.basis must be one of law, policy"),
        (('"Bank policy"', '""'), "rule 1.citation must say something"),
        (("2020-01-01", '"2020"'), "rule 1.valid_from must be a date"),
        (("2020-01-01", "2020-01-01\nvalid_to = 2019-01-01"), "valid_to must be a date after"),
        (('= "recorded"', '= "sometime"'), "classes.audit_event.start_event must be one of"),
        (('= "recorded"', '= "retirement"'), "classes.audit_event must start with the record"),
        (("[classes.audit_event]", "[classes.other]"), "classes must hold audit_event"),
        (("at_record", "soon"), "start_events.recorded must be"),
        (("lock_margin_days = 30", ""), "lock_margin_days must be a whole number"),
        ((RULE, ""), "the class audit_event has no rule"),
        (("[start_events]", "[start_events"), "it is not TOML"),
    ],
)
def test_a_schedule_that_cannot_be_used_says_where_and_why(
    change: tuple[str, str], fault: str
) -> None:
    with pytest.raises(BadSchedule, match="cannot be used") as refused:
        parse_schedule(SMALL.replace(*change))

    assert any(fault in found for found in refused.value.faults), refused.value.faults


def test_every_fault_of_a_schedule_is_named_at_once() -> None:
    with pytest.raises(BadSchedule) as refused:
        parse_schedule(SMALL.replace("years = 7", "").replace('"policy"', '"habit"'))

    assert len(refused.value.faults) == 2


def test_the_installation_follows_the_file_that_is_set_and_says_what_is_wrong_with_it(
    settings: LazySettings, tmp_path: Path
) -> None:
    assert retention_schedule().longest_fixed(date(2026, 1, 1)) == Period(7)

    settings.CREDENCE_RETENTION = tmp_path / "none.toml"
    with pytest.raises(ScheduleUnusable, match="cannot be read"):
        retention_schedule()
    (tmp_path / "bad.toml").write_text("schema = 1")
    settings.CREDENCE_RETENTION = tmp_path / "bad.toml"
    with pytest.raises(ScheduleUnusable, match="schema must be"):
        retention_schedule()

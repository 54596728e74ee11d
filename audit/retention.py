"""How long records are kept: calendar arithmetic over a schedule that is data.

The schedule is a TOML file (`audit/retention.toml` is the one that is shipped): classes of record, each with the event that starts its
period, and rules with jurisdiction, period and citation. Pure: texts, dates and frozen dataclasses in and out.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

SCHEMA = "credence-retention/1"
ANY = "any"
# The class of every entry that no other class claims.
DEFAULT_CLASS = "audit_event"
AT_RECORD, LATER = "at_record", "later"
BASES = ("law", "policy")
LONGEST_YEARS = 100


class BadSchedule(ValueError):
    """The schedule cannot be used; every fault is listed, with its place."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = list(faults)
        super().__init__("The retention schedule cannot be used: " + "; ".join(self.faults))


class NoRule(LookupError):
    """The schedule says nothing about this class, jurisdiction and day. Nothing is deleted on that ground."""


@dataclass(frozen=True)
class Period:
    """Calendar years and months."""

    years: int = 0
    months: int = 0

    def after(self, start: date) -> date:
        """The first day on which the whole period has passed.

        A day that the month does not have becomes the first of the next one, so that no period is a day too short:
        seven years after 29 February 2024 is 1 March 2031.
        """
        year, month = divmod(start.year * 12 + start.month - 1 + self.years * 12 + self.months, 12)
        try:
            return date(year, month + 1, start.day)
        except ValueError:
            return date(year + (month == 11), (month + 1) % 12 + 1, 1)

    def __str__(self) -> str:
        return " and ".join(
            f"{number} {name}{'s' if number > 1 else ''}"
            for number, name in ((self.years, "year"), (self.months, "month"))
            if number
        )


@dataclass(frozen=True)
class RecordClass:
    """One kind of record: what starts its period, whether that is known with the record, and which entries belong to it."""

    name: str
    start_event: str
    starts_at_record: bool
    events: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def claims(self, event: str, subject_type: str) -> bool:
        return event.startswith(self.events) or subject_type in self.subjects


@dataclass(frozen=True)
class Rule:
    """One reason to keep one class of record, where and since when it counts."""

    record_class: str
    jurisdiction: str
    period: Period
    basis: str
    citation: str
    valid_from: date
    valid_to: date | None = None

    def counts(self, record_class: str, jurisdiction: str, on: date) -> bool:
        return (
            self.record_class == record_class
            and self.jurisdiction in (jurisdiction, ANY)
            and self.valid_from <= on
            and (self.valid_to is None or on < self.valid_to)
        )


@dataclass(frozen=True)
class Schedule:
    classes: Mapping[str, RecordClass]
    rules: tuple[Rule, ...]
    lock_margin: timedelta

    def rules_for(self, record_class: str, started_on: date, jurisdiction: str) -> list[Rule]:
        """The rules that count for a record whose period starts on that day. Raises NoRule when there is none."""
        found = [r for r in self.rules if r.counts(record_class, jurisdiction, started_on)]
        if not found:
            raise NoRule(
                f"The retention schedule has no rule for {record_class} in {jurisdiction} on {started_on}."
            )
        return found

    def end_of(self, record_class: str, started_on: date, jurisdiction: str) -> date:
        """The first day on which such a record need not be kept any longer: the longest rule counts. Raises NoRule."""
        rules = self.rules_for(record_class, started_on, jurisdiction)
        return max(rule.period.after(started_on) for rule in rules)

    def longest_fixed(self, on: date) -> Period:
        """The longest period, anywhere, of the classes whose start is known with the record. Raises NoRule."""
        periods = [
            rule.period
            for rule in self.rules
            if self.classes[rule.record_class].starts_at_record
            and rule.counts(rule.record_class, rule.jurisdiction, on)
        ]
        if not periods:
            raise NoRule(f"The retention schedule has no rule of a fixed start on {on}.")
        return max(periods, key=lambda period: period.after(on))

    def locked_until(self, epoch_end: date) -> date:
        """How long an archived epoch is locked from the beginning: the longest fixed period, and the margin."""
        return self.longest_fixed(epoch_end).after(epoch_end) + self.lock_margin

    def end_anywhere(self, record_class: str, started_on: date) -> date:
        """As `end_of`, over all jurisdictions: for an object that holds records of any of them. Raises NoRule."""
        found = [
            rule.period.after(started_on)
            for rule in self.rules
            if rule.counts(record_class, rule.jurisdiction, started_on)
        ]
        if not found:
            raise NoRule(f"The retention schedule has no rule for {record_class} on {started_on}.")
        return max(found)

    def classes_of(self, event: str, subject_type: str) -> list[RecordClass]:
        """The classes that an entry belongs to; the default class where none claims it."""
        claimed = [c for c in self.classes.values() if c.claims(event, subject_type)]
        return claimed or [self.classes[DEFAULT_CLASS]]

    def started_later(self) -> list[RecordClass]:
        """The classes whose start comes after the record."""
        return [c for c in self.classes.values() if not c.starts_at_record]


def parse_schedule(text: str) -> Schedule:
    """Raises BadSchedule, with every fault that was found."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise BadSchedule([f"it is not TOML ({problem})"]) from None
    reader = _Reader()
    schedule = reader.schedule(data)
    if reader.faults:
        raise BadSchedule(reader.faults)
    return schedule


class _Reader:
    """Reads the parts, and collects what is wrong with them instead of stopping at the first fault."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def schedule(self, data: dict[str, Any]) -> Schedule:
        self._only(
            data, "the file", {"schema", "lock_margin_days", "start_events", "classes", "rule"}
        )
        if data.get("schema") != SCHEMA:
            self.faults.append(f"schema must be {SCHEMA!r}")
        margin = self._number(data, "lock_margin_days", "the file", 0, 3660)
        starts = self._starts(data.get("start_events"))
        classes = self._classes(data.get("classes"), starts)
        rows = data.get("rule")
        rules = [
            rule
            for number, row in enumerate(rows if isinstance(rows, list) else [], 1)
            if (rule := self._rule(row, f"rule {number}", classes)) is not None
        ]
        ruled = {rule.record_class for rule in rules}
        for name in classes:
            if name not in ruled and not self.faults:
                self.faults.append(f"the class {name} has no rule, and nothing would keep it")
        return Schedule(classes, tuple(rules), timedelta(days=margin))

    def _starts(self, table: Any) -> dict[str, bool]:
        if not isinstance(table, dict) or not table:
            self.faults.append("start_events must name at least one event")
            return {}
        for name, known in table.items():
            if known not in (AT_RECORD, LATER):
                self.faults.append(f"start_events.{name} must be {AT_RECORD!r} or {LATER!r}")
        return {name: known == AT_RECORD for name, known in table.items()}

    def _classes(self, table: Any, starts: dict[str, bool]) -> dict[str, RecordClass]:
        if not isinstance(table, dict) or DEFAULT_CLASS not in table:
            self.faults.append(
                f"classes must hold {DEFAULT_CLASS}, the class of what nothing else claims"
            )
            return {}
        return {
            name: found
            for name, row in table.items()
            if (found := self._class(name, row, starts)) is not None
        }

    def _class(self, name: str, row: Any, starts: dict[str, bool]) -> RecordClass | None:
        place = f"classes.{name}"
        if not isinstance(row, dict):
            self.faults.append(f"{place} must be a table")
            return None
        self._only(row, place, {"start_event", "events", "subjects"})
        start = row.get("start_event")
        if start not in starts:
            self.faults.append(f"{place}.start_event must be one of {', '.join(sorted(starts))}")
            return None
        if name == DEFAULT_CLASS and not starts[start]:
            self.faults.append(f"{place} must start with the record")
        return RecordClass(
            name, start, starts[start], self._words(row, "events", place), self._words(row, "subjects", place)
        )  # fmt: skip

    def _rule(self, row: Any, place: str, classes: dict[str, RecordClass]) -> Rule | None:
        if not isinstance(row, dict):
            self.faults.append(f"{place} must be a table")
            return None
        before = len(self.faults)
        self._only(
            row,
            place,
            {"record_class", "jurisdiction", "years", "months", "basis", "citation", "valid_from", "valid_to"},
        )  # fmt: skip
        period = Period(
            self._number(row, "years", place, 0, LONGEST_YEARS, default=0),
            self._number(row, "months", place, 0, LONGEST_YEARS * 12, default=0),
        )
        if period == Period():
            self.faults.append(f"{place} needs years or months")
        if row.get("record_class") not in classes:
            self.faults.append(f"{place}.record_class must be one of {', '.join(sorted(classes))}")
        if row.get("basis") not in BASES:
            self.faults.append(f"{place}.basis must be one of {', '.join(BASES)}")
        valid_from, valid_to = row.get("valid_from"), row.get("valid_to")
        if type(valid_from) is not date:
            self.faults.append(f"{place}.valid_from must be a date such as 2024-08-01")
        if valid_to is not None and (
            type(valid_to) is not date or (type(valid_from) is date and valid_to <= valid_from)
        ):
            self.faults.append(f"{place}.valid_to must be a date after valid_from")
        jurisdiction, citation = (self._text(row, n, place) for n in ("jurisdiction", "citation"))
        if len(self.faults) > before or type(valid_from) is not date:
            return None
        return Rule(
            row["record_class"], jurisdiction, period, row["basis"], citation, valid_from, valid_to
        )

    def _only(self, row: dict[str, Any], place: str, known: set[str]) -> None:
        self.faults += [
            f"{place} has the unknown field {name}" for name in sorted(set(row) - known)
        ]

    def _text(self, row: dict[str, Any], name: str, place: str) -> str:
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            self.faults.append(f"{place}.{name} must say something")
            return ""
        return value

    def _words(self, row: dict[str, Any], name: str, place: str) -> tuple[str, ...]:
        value = row.get(name, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self.faults.append(f"{place}.{name} must be a list of texts")
            return ()
        return tuple(value)

    def _number(
        self, row: dict[str, Any], name: str, place: str, least: int, most: int, default: int | None = None
    ) -> int:  # fmt: skip
        value = row.get(name, default)
        if type(value) is not int or not least <= value <= most:
            self.faults.append(f"{place}.{name} must be a whole number from {least} to {most}")
            return least
        return value

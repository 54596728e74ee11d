"""What an approved `expectations` policy asks of a snapshot beyond its contract. Pure.

The body is `{"expectations": [...]}` (`[[expectations]]` in TOML); each expectation has a `check`, its limits and,
where it asks about a column, `column`. One that is `blocking` (the default) keeps the data set out when it fails.
Types, ranges, sets and uniqueness are checked by pandera; results hold counts and limits, never a value of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Self

from audit.deferred import deferred
from audit.errors import FieldProblem
from registry.errors import PolicyMalformed
from registry.repeats import repeated_rows
from registry.snapshots import SnapshotFile, as_frame
from registry.validation import failed_rows

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pandera
else:
    pd = deferred("pandas")
    pandera = deferred("pandera.pandas")

KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "type": (("column", "type"), ()),
    "range": (("column",), ("minimum", "maximum")),
    "null_share": (("column", "at_most"), ()),
    "set": (("column", "values"), ()),
    "unique": (("column",), ()),
    "freshness": (("column", "days"), ()),
    "row_count": ((), ("at_least", "at_most")),
}
"""For each check the keys it must have, and those of which it must have one or more."""
TYPES = {
    "number": "float64",
    "integer": "Int64",
    "boolean": "boolean",
    "text": "string",
    "date": "date32[day][pyarrow]",
}


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """One expectation of the policy and what was found. `value` is a share, a count or an age in days."""

    check: str
    column: str
    blocking: bool
    passed: bool
    value: float | None
    limit: str
    why: str

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing asked of a snapshot."""

    check: str
    column: str
    blocking: bool
    limits: Mapping[str, Any]

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        limits = {
            key: value for key, value in entry.items() if key not in ("check", "column", "blocking")
        }
        return cls(entry["check"], entry.get("column", ""), entry.get("blocking", True), limits)


def read_expectations(body: object) -> list[Expectation]:
    """Raises PolicyMalformed naming everything wrong with the body."""
    if problems := expectation_problems(body):
        raise PolicyMalformed("The expectations cannot be used; see `errors`.", errors=problems)
    assert isinstance(body, Mapping)
    return [Expectation.from_json(entry) for entry in body["expectations"]]


def expectation_problems(body: object) -> list[FieldProblem]:
    """Everything wrong with the body of an expectations policy."""
    entries = body.get("expectations") if isinstance(body, Mapping) else None
    if not isinstance(entries, list) or not entries:
        return [_fault("body.expectations", "Must be a list that is not empty.")]
    assert isinstance(body, Mapping)
    problems = [
        _fault(f"body.{key}", "Unknown key; known is expectations.")
        for key in body
        if key != "expectations"
    ]
    for position, entry in enumerate(entries):
        problems += _entry_problems(f"body.expectations.{position}", entry)
    return problems


def evaluate(
    snapshot: SnapshotFile, expectations: Sequence[Expectation], today: date
) -> list[ExpectationResult]:
    """The result of every expectation, in their order, for a snapshot registered `today`.

    A column that the snapshot does not have fails whatever is asked of it. The snapshot is read in pieces, whose
    counts are added up.
    """
    tallies = [_Tally() for _ in expectations]
    for table in snapshot.pieces():
        frame = as_frame(table)
        for asked, tally in zip(expectations, tallies, strict=True):
            if asked.column in frame:
                tally.add(frame, asked)
    return [
        _result(snapshot, asked, tally, today)
        for asked, tally in zip(expectations, tallies, strict=True)
    ]


def blocking_failures(results: Iterable[ExpectationResult]) -> list[ExpectationResult]:
    return [result for result in results if result.blocking and not result.passed]


def as_problem(result: ExpectationResult) -> FieldProblem:
    return FieldProblem(
        result.column or "rows", result.check, f"{result.why}; expected {result.limit}."
    )


@dataclass(slots=True)
class _Tally:
    """What the pieces of a column that were looked at so far come to."""

    of_type: bool = True
    dtype: str = ""
    numeric: bool = False
    missing: int = 0
    outside: int = 0
    newest: date | None = None

    def add(self, frame: pd.DataFrame, asked: Expectation) -> None:
        values = frame[asked.column]
        self.dtype = str(values.dtype)
        self.numeric = pd.api.types.is_numeric_dtype(values)
        match asked.check:
            case "type":
                self.of_type &= _is_of_type(frame, asked)
            case "null_share":
                self.missing += int(values.isna().sum())
            case "freshness":
                newest = values.dropna().max()
                if isinstance(newest, date):
                    self.newest = max(newest, self.newest or newest)
            case "set" | "range" if asked.check == "set" or self.numeric:
                failed = failed_rows(_pandera_schema(asked), frame)
                self.outside += len(failed.get((asked.column, asked.check), []))


def _result(
    snapshot: SnapshotFile, asked: Expectation, tally: _Tally, today: date
) -> ExpectationResult:
    limit, rows = _limit(asked), snapshot.num_rows

    def found(passed: bool, value: float | None, why: str) -> ExpectationResult:
        return ExpectationResult(
            asked.check, asked.column, asked.blocking, passed, value, limit, why
        )

    if asked.check == "row_count":
        return found(_within(rows, asked.limits), rows, f"{rows} rows")
    if asked.column not in snapshot.column_names:
        return found(False, None, "no such column")
    match asked.check:
        case "type":
            return found(tally.of_type, None, f"of type {tally.dtype}")
        case "null_share":
            share = tally.missing / rows if rows else 1.0
            return found(share <= asked.limits["at_most"], share, f"{share:.2%} missing")
        case "freshness":
            return found(*_freshness(tally.newest, asked.limits["days"], today))
        case "range" if not tally.numeric:
            return found(False, None, "not a number")
        case "unique":
            outside, _ = repeated_rows(snapshot, asked.column)
        case _:
            outside = tally.outside
    return found(outside == 0, outside, f"{outside} of {rows} rows are not")


def _is_of_type(frame: pd.DataFrame, asked: Expectation) -> bool:
    wanted = pd.api.types.pandas_dtype(TYPES[asked.limits["type"]])
    schema = pandera.DataFrameSchema({asked.column: pandera.Column(wanted, nullable=True)})
    try:
        schema.validate(frame[[asked.column]])
    except pandera.errors.SchemaError:
        return False
    return True


def _pandera_schema(asked: Expectation) -> pandera.DataFrameSchema:
    if asked.check == "set":
        allowed = asked.limits["values"]
        check = pandera.Check(lambda values: values.isin(allowed))
    else:
        lowest = asked.limits.get("minimum", float("-inf"))
        highest = asked.limits.get("maximum", float("inf"))
        check = pandera.Check(lambda values: (values >= lowest) & (values <= highest))
    check.name = asked.check
    column = pandera.Column(checks=[check], nullable=True)
    return pandera.DataFrameSchema({asked.column: column})


def _freshness(newest: date | None, days: int, today: date) -> tuple[bool, float | None, str]:
    if newest is None:
        return False, None, "no date"
    age = (today - newest).days
    if age < 0:
        return False, age, f"the newest date lies {-age} days ahead"
    return age <= days, age, f"the newest date is {age} days old"


def _within(number: float, limits: Mapping[str, Any]) -> bool:
    return bool(limits.get("at_least", 0) <= number <= limits.get("at_most", float("inf")))


def _limit(asked: Expectation) -> str:
    limits = asked.limits
    match asked.check:
        case "type":
            return str(limits["type"])
        case "null_share":
            return f"at most {limits['at_most']:.2%} missing"
        case "set":
            return f"one of {', '.join(str(value) for value in limits['values'])}"
        case "unique":
            return "no value twice"
        case "freshness":
            return f"at most {limits['days']} days old"
        case "row_count":
            return _bounds(limits.get("at_least"), limits.get("at_most")) + " rows"
    return _bounds(limits.get("minimum"), limits.get("maximum"))


def _bounds(lowest: float | None, highest: float | None) -> str:
    parts = [] if lowest is None else [f"at least {lowest:,}"]
    parts += [] if highest is None else [f"at most {highest:,}"]
    return " and ".join(parts)


def _entry_problems(where: str, entry: object) -> list[FieldProblem]:
    if not isinstance(entry, Mapping):
        return [_fault(where, "Must be a table.")]
    if entry.get("check") not in KEYS:
        return [_fault(f"{where}.check", f"Must be one of {', '.join(KEYS)}.")]
    required, some = KEYS[entry["check"]]
    problems = [_fault(f"{where}.{key}", "Is required.") for key in required if key not in entry]
    problems += [
        _fault(f"{where}.{key}", "Unknown key.")
        for key in entry
        if key not in ("check", "blocking", *required, *some)
    ]
    if some and not any(key in entry for key in some):
        problems.append(_fault(where, f"Needs {' or '.join(some)}."))
    faults = ((key, _value_fault(entry["check"], key, value)) for key, value in entry.items())
    problems += [_fault(f"{where}.{key}", fault) for key, fault in faults if fault]
    if not problems and some and all(key in entry for key in some):
        low, high = (entry[key] for key in some)
        if low > high:
            problems.append(_fault(where, f"{some[0]} must not exceed {some[1]}."))
    return problems


def _value_fault(check: str, key: str, value: object) -> str | None:
    """What is wrong with the value of a key, None where nothing is or the key is unknown."""
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match key:
        case "blocking" if not isinstance(value, bool):
            return "Must be true or false."
        case "column" if not isinstance(value, str) or not value:
            return "Must be the name of a column."
        case "type" if value not in TYPES:
            return f"Must be one of {', '.join(TYPES)}."
        case "values" if not _is_set(value):
            return "Must be a list of texts or numbers that is not empty."
        case "at_most" if check == "null_share":
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
                return "Must be a share from 0 to 1."
        case "days" | "at_least" | "at_most" if not whole:
            return "Must be a whole number of at least 0."
        case "minimum" | "maximum" if not number:
            return "Must be a number."
    return None


def _is_set(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, str | int | float) for one in value)
    )


def _fault(field: str, detail: str) -> FieldProblem:
    return FieldProblem(field, "malformed", detail)

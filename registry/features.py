"""One input of a model: its type, range and meaning."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from audit.errors import FieldProblem

FeatureType = Literal["number", "integer", "boolean", "category"]
Missing = Literal["allowed", "refused"]
Monotone = Literal["increasing", "decreasing", "none"]

OWN_COLUMNS = ("row_id", "bad", "observed_on")
"""What a snapshot calls its row id, label and time: no feature is called that."""
MISSING_CATEGORY = "(missing)"
_NAME = r"[a-z0-9]+(?:[-_][a-z0-9]+)*"
TABLE_REFERENCE = re.compile(rf"{_NAME}/[1-9][0-9]{{0,8}}", re.ASCII)
"""How a contract names a feature table in one of its versions: `bureau/2`."""
VIEW_REFERENCE = re.compile(rf"feast:{_NAME}/[A-Za-z0-9_-]{{1,100}}", re.ASCII)
"""How a contract names a view of a Feast online store: `feast:risk/bureau`."""
LONGEST_TTL_SECONDS = 100 * 366 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of a model.

    `minimum` and `maximum` are inclusive and in `unit`. `monotone` is the direction in which the
    probability of bad must move as the value rises. `missing` says whether None is an answer.
    `table` names the feature table and version, or the view of an online store, that the value is
    looked up in; empty where the application brings it. `ttl_seconds` is how old a value of a view
    may be: a view has no approved definition here that could say so.
    """

    name: str
    type: FeatureType
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    reason_group: str = ""
    missing: Missing = "refused"
    monotone: Monotone = "none"
    categories: tuple[str, ...] = ()
    description: str = ""
    table: str = ""
    ttl_seconds: int | None = None

    @property
    def is_online(self) -> bool:
        """Looked up in a view of an online store, and not in a feature table of the service."""
        return VIEW_REFERENCE.fullmatch(self.table) is not None

    @property
    def heading(self) -> str:
        """Its name with the unit of its values, where it has one."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def faults(self) -> list[FieldProblem]:
        """What makes this declaration unusable, each under the name of the key at fault."""
        return [FieldProblem(key, "malformed", detail) for key, detail in self._faults()]

    def _faults(self) -> list[tuple[str, str]]:
        found = []
        if not (self.name and self.name.isascii() and self.name.isprintable()):
            found.append(("name", "must be printable ASCII and not empty."))
        if self.name in OWN_COLUMNS:
            found.append(("name", f"{', '.join(OWN_COLUMNS)} are columns of the snapshot itself."))
        if self.table and not self.is_online and not TABLE_REFERENCE.fullmatch(self.table):
            detail = "must be a feature table and its version, such as bureau/2, or a view, such as feast:risk/bureau."
            found.append(("table", detail))
        found.extend(self._ttl_faults())
        for key, allowed in (
            ("type", get_args(FeatureType)),
            ("missing", get_args(Missing)),
            ("monotone", get_args(Monotone)),
        ):
            if getattr(self, key) not in allowed:
                found.append((key, f"must be one of {', '.join(allowed)}."))
        if self.type == "category":
            found.extend(self._category_faults())
        elif self.categories:
            found.append(("categories", f"a {self.type} feature has no categories."))
        return found + self._range_faults()

    def _ttl_faults(self) -> list[tuple[str, str]]:
        if not self.is_online:
            detail = "belongs to features of an online store; a feature table has its own."
            return [] if self.ttl_seconds is None else [("ttl_seconds", detail)]
        if type(self.ttl_seconds) is int and 0 < self.ttl_seconds <= LONGEST_TTL_SECONDS:
            return []
        detail = f"say how old a value may be, from 1 to {LONGEST_TTL_SECONDS:,} seconds."
        return [("ttl_seconds", detail)]

    def _range_faults(self) -> list[tuple[str, str]]:
        found = [
            (key, "must be a finite number.")
            for key in ("minimum", "maximum")
            if not _is_bound(getattr(self, key))
        ]
        if self.type in ("boolean", "category"):
            found += [
                (key, f"a {self.type} feature has no range.")
                for key in ("minimum", "maximum")
                if getattr(self, key) is not None
            ]
        if found or self.minimum is None or self.maximum is None:
            return found
        if self.minimum > self.maximum:
            found.append(("minimum", f"{self.minimum:g} is above the maximum {self.maximum:g}."))
        return found

    def _category_faults(self) -> list[tuple[str, str]]:
        found = []
        if not self.categories:
            found.append(("categories", "list the allowed categories."))
        if len(set(self.categories)) < len(self.categories):
            found.append(("categories", "a category is listed twice."))
        if MISSING_CATEGORY in self.categories:
            found.append(("categories", f"{MISSING_CATEGORY} is reserved for the missing value."))
        if self.monotone != "none":
            found.append(("monotone", "categories have no order to be monotone in."))
        return found

    @property
    def range_in_words(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.minimum is not None and self.maximum is not None:
            return f"from {in_digits(self.minimum)} to {in_digits(self.maximum)}{unit}"
        if self.minimum is not None:
            return f"at least {in_digits(self.minimum)}{unit}"
        if self.maximum is not None:
            return f"at most {in_digits(self.maximum)}{unit}"
        return "a number that a double holds exactly"

    @property
    def values_in_words(self) -> str:
        """Which values there are; empty for true and false."""
        if self.type == "boolean":
            return ""
        return ", ".join(self.categories) or self.range_in_words

    def as_json(self) -> dict[str, Any]:
        document = asdict(self)
        for key in (
            "table",
            "ttl_seconds",
        ):  # contracts from before there were these keep their digest
            if not document[key]:
                del document[key]
        document["categories"] = list(self.categories)
        for bound in ("minimum", "maximum"):
            if document[bound] is not None:
                document[bound] = float(document[bound])
        return document


def read_feature(entry: Mapping[str, Any], where: str) -> tuple[Feature | None, list[FieldProblem]]:
    """The feature that a JSON or TOML table declares, and all that is wrong with the table.

    The feature is None when the table cannot even be read as one.
    """
    problems = [
        FieldProblem(f"{where}.{key}", "malformed", detail) for key, detail in _table_faults(entry)
    ]
    if problems:
        return None, problems
    feature = Feature(**{**entry, "categories": tuple(entry.get("categories", ()))})
    return feature, [
        FieldProblem(f"{where}.{fault.field}", fault.type, fault.detail)
        for fault in feature.faults()
    ]


def _table_faults(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    known = [field.name for field in fields(Feature)]
    found = [
        (key, f"unknown key; known are {', '.join(known)}.") for key in entry if key not in known
    ]
    found += [(key, "is required.") for key in ("name", "type") if key not in entry]
    for key in (
        "name",
        "type",
        "unit",
        "reason_group",
        "missing",
        "monotone",
        "description",
        "table",
    ):
        if not isinstance(entry.get(key, ""), str):
            found.append((key, "must be a text."))
    categories = entry.get("categories", [])
    if not isinstance(categories, list) or not all(isinstance(name, str) for name in categories):
        found.append(("categories", "must be a list of texts."))
    return found


def _is_bound(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def in_digits(number: float) -> str:
    """1000000 as 1,000,000 and 0.25 as 0.25: as people write it."""
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"


def in_words(value: object) -> str:
    """The value of a feature as people read it, numbers to six digits; the record has every digit."""
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return in_digits(float(f"{value:.6g}"))
    return str(value)

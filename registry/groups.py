"""How applicants are told apart when a model is checked for bias: declared groups over columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from audit.errors import FieldProblem

if TYPE_CHECKING:
    import pandas as pd

Value = str | int | float | bool

_RANGE_KEYS = {"column", "from", "to"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of one column: equal to a value, or in the range from (inclusive) to (exclusive)."""

    column: str
    equals: Value | None = None
    at_least: float | None = None
    below: float | None = None

    def mask(self, values: pd.Series[Any]) -> NDArray[np.bool_]:
        """bool (n,): which of n values pass. A missing value never does."""
        if self.equals is not None:
            passed = values == self.equals
        else:
            passed = values.notna()
            if self.at_least is not None:
                passed &= values >= self.at_least
            if self.below is not None:
                passed &= values < self.below
        return passed.fillna(False).to_numpy(dtype=bool)


@dataclass(frozen=True, slots=True)
class Group:
    """Applicants who pass all the conditions."""

    label: str
    conditions: tuple[Condition, ...]

    def mask(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """bool (n,): which of the frame's n rows belong to the group."""
        masks = [condition.mask(frame[condition.column]) for condition in self.conditions]
        members: NDArray[np.bool_] = np.all(masks, axis=0)
        return members


@dataclass(frozen=True, slots=True)
class Grouping:
    """The groups of one attribute, one of which is the control group the others are compared with.

    Groups need not cover everybody, and may overlap.
    """

    attribute: str
    control: str
    groups: tuple[Group, ...]

    def masks(self, frame: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
        """For each group's label bool (n,): which of the frame's n rows belong to it."""
        return {group.label: group.mask(frame) for group in self.groups}

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(
            condition.column for group in self.groups for condition in group.conditions
        )

    @classmethod
    def from_json(cls, attribute: str, table: Mapping[str, Any]) -> Self:
        """The grouping that `as_json` wrote, or that a table without problems declares."""
        groups = tuple(
            Group(label, _conditions(entry)) for label, entry in table.items() if label != "control"
        )
        return cls(attribute, table["control"], groups)

    def as_json(self) -> dict[str, Any]:
        """The table from which `from_json` makes an equal grouping."""
        table: dict[str, Any] = {"control": self.control}
        for group in self.groups:
            entry: dict[str, Any] = {}
            for condition in group.conditions:
                if condition.equals is not None:
                    entry[condition.column] = condition.equals
                else:
                    entry["column"] = condition.column
                    entry |= {
                        key: bound
                        for key, bound in (("from", condition.at_least), ("to", condition.below))
                        if bound is not None
                    }
            table[group.label] = entry
        return table


def grouping_problems(attribute: str, table: object) -> list[FieldProblem]:
    """What makes a `[groups.<attribute>]` table unusable."""
    where = f"groups.{attribute}"
    if not isinstance(table, Mapping):
        return [FieldProblem(where, "malformed", "Must be a table of groups.")]
    labels = [label for label in table if label != "control"]
    found = []
    if len(labels) < 2:
        found.append(FieldProblem(where, "malformed", "At least two groups are needed."))
    if table.get("control") not in labels:
        found.append(FieldProblem(f"{where}.control", "malformed", "Must name one of the groups."))
    for label in labels:
        if fault := _entry_fault(table[label]):
            found.append(FieldProblem(f"{where}.{label}", "malformed", fault))
    return found


def _entry_fault(entry: object) -> str | None:
    if not isinstance(entry, Mapping) or not entry:
        return "Must be a table such as {column = value} or {column = name, from = 62}."
    if isinstance(entry.get("column"), str):
        bounds = [entry[key] for key in ("from", "to") if key in entry]
        if not bounds or not set(entry) <= _RANGE_KEYS:
            return "A range has a `column` and `from` (inclusive), `to` (exclusive) or both."
        if not all(isinstance(bound, int | float) for bound in bounds):
            return "`from` and `to` must be numbers."
        return None
    if not all(isinstance(value, Value) for value in entry.values()):
        return "A column is compared with a text, a number, true or false."
    return None


def _conditions(entry: Mapping[str, Any]) -> tuple[Condition, ...]:
    if isinstance(entry.get("column"), str):
        return (Condition(entry["column"], at_least=entry.get("from"), below=entry.get("to")),)
    return tuple(Condition(column, equals=value) for column, value in entry.items())

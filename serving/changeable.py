"""Which features an applicant can change, and to which values: as people approved it, fitted to a contract. Pure.

    {"dti": {"direction": "down", "step": 1, "minimum": 10}, "purpose": {"categories": ["car", "education"]}}

A feature that is not declared is immutable. `step` is the grid of values that are told to people, multiples of it;
whole numbers have a grid of 1 unless it says otherwise. `minimum` and `maximum` only narrow the contract's range.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import FieldProblem
from registry.contract import FeatureContract
from registry.features import Feature

Floats = NDArray[np.float64]
DIRECTIONS = ("up", "down", "any")
KEYS = ("direction", "step", "minimum", "maximum", "categories")
MOST_GRID_VALUES = 400
"""Of a longer grid only the values next to what other applicants have are looked at."""


@dataclass(frozen=True)
class Change:
    """What can become of one feature: `position` in the contract, and the values that it can take at all, rising.

    values: packed, (v,). `is_ordered`: the values are more or less of something, so that `direction` and ranks mean something.
    """

    position: int
    direction: str
    values: Floats
    is_ordered: bool

    def from_value(self, value: float) -> Floats:
        """The values (w,) that this one can become, rising. A value that is not known only where any direction goes."""
        values = self.values
        if math.isnan(value):
            reachable = np.full(len(values), self.direction == "any")
        elif self.direction == "any":
            reachable = values != value
        else:
            reachable = values > value if self.direction == "up" else values < value
        found: Floats = values[reachable]
        return found


def declared_problems(declared: object, where: str) -> Iterator[FieldProblem]:
    """What is wrong with declarations, whatever the contract is."""
    if not isinstance(declared, Mapping):
        yield FieldProblem(where, "malformed", "Must be a table of features.")
        return
    for name, entry in declared.items():
        if not isinstance(entry, Mapping) or not entry:
            yield FieldProblem(f"{where}.{name}", "malformed", "Must be a table that is not empty.")
            continue
        for key in sorted(set(entry) - set(KEYS)):
            yield FieldProblem(f"{where}.{name}.{key}", "unexpected", "No such key.")
        for key, detail in _entry_faults(entry):
            yield FieldProblem(f"{where}.{name}.{key}", "malformed", detail)


def _entry_faults(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "categories" in entry:
        names = entry["categories"]
        if len(entry) > 1:
            yield "categories", "Stands alone: categories have no direction."
        if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
            yield "categories", "Must be a list of texts that is not empty."
        return
    if entry.get("direction") not in DIRECTIONS:
        yield "direction", f"Is required: one of {', '.join(DIRECTIONS)}."
    for key in ("step", "minimum", "maximum"):
        if key in entry and not _is_number(entry[key]):
            yield key, "Must be a finite number."
    if _is_number(entry.get("step")) and entry["step"] <= 0:
        yield "step", "Must be above 0."


def fit_faults(
    contract: FeatureContract, declared: Mapping[str, Any], where: str
) -> list[FieldProblem]:
    """Why declarations without problems cannot be followed for this contract. Features of other models are not looked at."""
    return [
        FieldProblem(f"{where}.{feature.name}.{key}", "malformed", detail)
        for feature in contract.features
        if feature.name in declared
        for key, detail in _fit_faults(feature, declared[feature.name])
    ]


def _fit_faults(feature: Feature, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if (feature.type == "category") != ("categories" in entry):
        yield "categories", "Belongs to a category, and to nothing else."
    elif feature.type == "category":
        for name in entry["categories"]:
            if name not in feature.categories:
                yield "categories", f"The contract has no category {name!r}."
    elif feature.type == "number" and "step" not in entry:
        yield "step", "Is required for a number: people are told values on this grid."
    elif feature.type == "integer" and entry.get("step", 1) != int(entry.get("step", 1)):
        yield "step", "Must be whole: the feature is."
    elif feature.type == "boolean" and len(entry) > 1:
        yield "direction", "Is all that true or false takes: up is to true."
    elif feature.type != "boolean" and not _range(feature, entry)[0] <= _range(feature, entry)[1]:
        yield "minimum", "Leaves no value in the contract's range."


def changes_of(
    contract: FeatureContract, declared: Mapping[str, Any], population: Floats
) -> tuple[Change, ...]:
    """What can change, in the contract's order; the declarations fit. population (m, k): other applicants, packed.

    A number without bounds is bounded by what the others have.
    """
    return tuple(
        _change(position, feature, declared[feature.name], population[:, position])
        for position, feature in enumerate(contract.features)
        if feature.name in declared
    )


def _change(position: int, feature: Feature, entry: Mapping[str, Any], others: Floats) -> Change:
    if feature.type == "category":
        codes = sorted(feature.categories.index(name) for name in entry["categories"])
        return Change(position, "any", np.array(codes, dtype=np.float64), is_ordered=False)
    if feature.type == "boolean":
        return Change(position, entry["direction"], np.array([0.0, 1.0]), is_ordered=False)
    known = others[~np.isnan(others)]
    low, high = _range(feature, entry)
    if known.size:
        low, high = (
            low if math.isfinite(low) else float(known.min()),
            high if math.isfinite(high) else float(known.max()),
        )
    return Change(
        position, entry["direction"], _grid(low, high, entry.get("step", 1), known), is_ordered=True
    )


def _range(feature: Feature, entry: Mapping[str, Any]) -> tuple[float, float]:
    """Inclusive, infinite where neither contract nor declaration bounds it."""
    low = [b for b in (feature.minimum, entry.get("minimum")) if b is not None]
    high = [b for b in (feature.maximum, entry.get("maximum")) if b is not None]
    return max(low, default=-math.inf), min(high, default=math.inf)


def _grid(low: float, high: float, step: float, known: Floats) -> Floats:
    """Multiples of the step from low to high, rising; of a long grid those next to what others have."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return np.empty(0)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first < MOST_GRID_VALUES:
        places = np.arange(first, last + 1, dtype=np.float64)
    else:
        near = np.quantile(known, np.linspace(0, 1, MOST_GRID_VALUES // 2)) / step
        places = np.unique(np.concatenate([np.floor(near), np.ceil(near)]))
        places = places[(places >= first) & (places <= last)]
    grid = np.round(places * step, 10)
    return grid[(grid >= low) & (grid <= high)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

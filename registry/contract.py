"""The feature contract: what a model may be asked about, and how its answers become numbers.

Three forms of one applicant, from the caller to the estimator:

`features`  a mapping name -> value as it came over the wire (None means "not known"),
`packed`    float64 (k,): one value per contract feature; a category is its index, missing is NaN,
`matrix`    float64 (p,): what estimators take; categories one-hot, everything else as packed.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from audit.canonical import digest_json
from audit.errors import FieldProblem
from registry.errors import ContractMalformed
from registry.features import MISSING_CATEGORY, Feature, read_feature
from registry.validators import Check, Validator, check_of

__all__ = ["Column", "Feature", "FeatureContract"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the matrix: a feature, or one category of it."""

    feature: str
    category: str | None = None

    @property
    def name(self) -> str:
        return self.feature if self.category is None else f"{self.feature}={self.category}"


@dataclass(frozen=True)
class FeatureContract:
    """The features of one model, in the order in which they are packed."""

    features: tuple[Feature, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The contract of `as_json`. Raises ContractMalformed naming everything wrong with it."""
        problems: list[FieldProblem] = []
        features = []
        for position, entry in enumerate(document.get("features", ())):
            feature, faults = read_feature(entry, f"features.{entry.get('name', position)}")
            problems += faults
            if feature is not None:
                features.append(feature)
        names = [feature.name for feature in features]
        problems += [
            FieldProblem(f"features.{name}", "malformed", "Declared twice.")
            for name in sorted({name for name in names if names.count(name) > 1})
        ]
        if problems or not features:
            raise ContractMalformed(
                "The feature contract cannot be used; see `errors`."
                if problems
                else "The feature contract names no feature.",
                errors=problems,
            )
        return cls(tuple(features))

    def as_json(self) -> dict[str, Any]:
        return {"features": [feature.as_json() for feature in self.features]}

    @cached_property
    def sha256(self) -> str:
        return digest_json(self.as_json())

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @cached_property
    def by_name(self) -> dict[str, Feature]:
        return {feature.name: feature for feature in self.features}

    @cached_property
    def tables(self) -> dict[str, tuple[Feature, ...]]:
        """The feature tables that values are looked up in, by `name/version`, and which."""
        return {
            table: tuple(feature for feature in self.features if feature.table == table)
            for table in sorted({one.table for one in self.features if not one.is_online} - {""})
        }

    @cached_property
    def views(self) -> dict[str, tuple[Feature, ...]]:
        """The views of online stores that values are looked up in, by `feast:store/view`, and which."""
        return {
            view: tuple(feature for feature in self.features if feature.table == view)
            for view in sorted({one.table for one in self.features if one.is_online})
        }

    @cached_property
    def looked_up(self) -> frozenset[str]:
        """The names of the features that the service looks up itself, wherever."""
        return frozenset(feature.name for feature in self.features if feature.table)

    @cached_property
    def given(self) -> "FeatureContract":
        """The part of the contract that an application brings: everything that is not looked up."""
        if not self.looked_up:
            return self
        return FeatureContract(tuple(feature for feature in self.features if not feature.table))

    @cached_property
    def reason_groups(self) -> frozenset[str]:
        return frozenset(feature.reason_group for feature in self.features)

    @cached_property
    def nominal(self) -> tuple[bool, ...]:
        """Which features have values without an order."""
        return tuple(feature.type in ("category", "boolean") for feature in self.features)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The p columns of the matrix, in order."""
        columns = []
        for feature in self.features:
            if feature.type != "category":
                columns.append(Column(feature.name))
                continue
            columns += [Column(feature.name, category) for category in feature.categories]
            if feature.missing == "allowed":
                columns.append(Column(feature.name, MISSING_CATEGORY))
        return tuple(columns)

    @cached_property
    def players(self) -> NDArray[np.int32]:
        """int32 (p,): the index of the contract feature that each matrix column belongs to."""
        index = {name: position for position, name in enumerate(self.names)}
        return np.array([index[column.feature] for column in self.columns], dtype=np.int32)

    @cached_property
    def monotonic_cst(self) -> list[int]:
        """p directions as scikit-learn takes them: 1, -1 or 0 for each matrix column."""
        sign = {"increasing": 1, "decreasing": -1, "none": 0}
        return [sign[self.by_name[column.feature].monotone] for column in self.columns]

    def problems(
        self, features: Mapping[str, object], protected: Collection[str] = ()
    ) -> list[FieldProblem]:
        """Everything wrong with one application, each problem under the feature's name.

        `protected` are names of protected attributes: such a name is refused whether or not the
        contract knows it.
        """
        return self.validator(frozenset(protected)).problems(features)

    def validator(self, barred: frozenset[str]) -> Validator:
        """What an application is held against, compiled once for each set of barred names."""
        compiled = self._validators.get(barred)
        if compiled is None:
            compiled = self._validators.setdefault(barred, Validator(self.features, barred))
        return compiled

    @cached_property
    def checks(self) -> dict[str, Check]:
        """What is held against a single value, by the name of its feature."""
        return {feature.name: check_of(feature) for feature in self.features}

    @cached_property
    def _validators(self) -> dict[frozenset[str], Validator]:
        return {}

    def pack(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """float64 (n, k) from n applications that have no problems."""
        packed = np.empty((len(rows), len(self.features)), dtype=np.float64)
        for position, (name, codes) in enumerate(self._codes):
            if codes is None:
                values = [row[name] for row in rows]
            else:
                values = [codes[row[name]] for row in rows]
            # None becomes NaN, True becomes 1.0.
            packed[:, position] = values
        return packed

    def unpack(self, packed: NDArray[np.float64]) -> dict[str, float | int | bool | str | None]:
        """The application behind one packed row, float64 (k,)."""
        return {
            feature.name: _unpacked(feature, value)
            for feature, value in zip(self.features, packed.tolist(), strict=True)
        }

    def matrix(self, packed: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 (n, p) from packed float64 (n, k)."""
        if self._code_of_column is None:
            return packed
        spread = packed[:, self.players]
        codes, plain = self._code_of_column
        one_hot = (spread == codes) | (np.isnan(spread) & np.isnan(codes))
        return np.where(plain, spread, one_hot)

    @cached_property
    def _codes(self) -> tuple[tuple[str, dict[str | None, float] | None], ...]:
        """Per feature its name, and for a category the packed value of each text."""
        return tuple(
            (feature.name, _category_codes(feature) if feature.type == "category" else None)
            for feature in self.features
        )

    @cached_property
    def _code_of_column(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
        """(p,) packed code that lights each one-hot column, and (p,) which columns are plain.

        None when no feature is a category, so that the matrix is the packed array itself.
        """
        if all(column.category is None for column in self.columns):
            return None
        plain = np.array([column.category is None for column in self.columns])
        codes = np.full(len(self.columns), np.nan)
        for position, column in enumerate(self.columns):
            if column.category not in (None, MISSING_CATEGORY):
                categories = self.by_name[column.feature].categories
                codes[position] = categories.index(column.category)
        return codes, plain


def _category_codes(feature: Feature) -> dict[str | None, float]:
    codes: dict[str | None, float] = {
        category: float(code) for code, category in enumerate(feature.categories)
    }
    codes[None] = math.nan
    return codes


def _unpacked(feature: Feature, value: float) -> float | int | bool | str | None:
    if math.isnan(value):
        return None
    match feature.type:
        case "number":
            return value
        case "integer":
            return int(value)
        case "boolean":
            return bool(value)
        case "category":
            return feature.categories[int(value)]

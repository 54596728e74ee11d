"""The description of a data file: a TOML text that says what every one of its columns is.

Each column is exactly one of label, time, row key, feature, protected or ignored (with the reason).
A column that nobody classified is refused, because the column nobody thought about is the one that
leaks the outcome or a protected attribute into a model.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from audit.errors import FieldProblem
from registry.contract import Feature, FeatureContract
from registry.errors import DescriptionRefused, FileDiffersFromDescription
from registry.features import read_feature
from registry.groups import Grouping, Value, grouping_problems
from registry.tables import TableReader

_TABLES = (
    "dataset", "label", "time", "features", "reasons", "protected", "groups", "ignored",
)  # fmt: skip
_DATASET_TEXTS = ("name", "title", "source", "licence", "label_meaning", "jurisdiction")
_REASON_TEXTS = ("code", "statement", "missing_statement")


@dataclass(frozen=True, slots=True)
class Label:
    """The column that says how an application ended, the values that mean bad, and those that mean good.

    Without `good_values` the file may hold one other value, which means good: an application that has not ended
    is neither.
    """

    column: str
    bad_values: tuple[Value, ...]
    good_values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """What a declined applicant is told when this reason group weighed against them."""

    code: str
    statement: str
    missing_statement: str


@dataclass(frozen=True, slots=True)
class Protected:
    """A column that measures, or stands close to, a prohibited basis."""

    basis: str
    description: str


@dataclass(frozen=True)
class Description:
    """What every column of one data file is.

    Features of a feature table are not in the file: they are looked up for the person named in the column `entity`,
    as of the `time` of the row. Those of an online store are: it holds no past.
    """

    dataset: Mapping[str, str]
    label: Label
    features: FeatureContract
    missing_values: Mapping[str, tuple[Value, ...]]
    reasons: Mapping[str, Reason]
    protected: Mapping[str, Protected]
    groups: Mapping[str, Grouping]
    ignored: Mapping[str, str]
    time: str | None = None
    row_key: str | None = None
    entity: str | None = None

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Raises DescriptionRefused naming everything wrong with the text at once."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise DescriptionRefused(f"The description is not TOML: {error}.") from error
        reader = _Reader(document)
        parts = reader.read()
        if reader.problems:
            raise DescriptionRefused(
                "The description cannot be used; `errors` names everything wrong with it.",
                errors=reader.problems,
            )
        return cls(**parts)

    @property
    def columns(self) -> frozenset[str]:
        """Every column the description classifies."""
        named = {self.label.column, *self.features.names, *self.protected, *self.ignored}
        return frozenset(named | {name for name in (self.time, self.row_key) if name})

    def require_columns(self, columns: Iterable[str]) -> None:
        """Raises FileDiffersFromDescription unless the file has exactly the described columns."""
        present = list(columns)
        problems = [
            FieldProblem(
                name,
                "unclassified",
                "The description does not say what this column is: make it a feature, protected,"
                " the label, the time, the row key, or ignored with the reason.",
            )
            for name in present
            if name not in self.columns
        ]
        problems += [
            FieldProblem(name, "absent", "The file has no such column.")
            for name in sorted(self.columns.difference(present))
        ]
        problems += [
            FieldProblem(name, "twice", "The file has two columns of this name.")
            for name in sorted({name for name in present if present.count(name) > 1})
        ]
        if problems:
            raise FileDiffersFromDescription(
                "The file's columns are not those of its description.", errors=problems
            )

    def registry_part(self) -> dict[str, Any]:
        """What the registry may know: everything but the protected columns and their groups."""
        return {
            **self.dataset,
            "row_key": self.row_key,
            "time": self.time,
            "label": {
                "column": self.label.column,
                "bad_values": list(self.label.bad_values),
                "good_values": list(self.label.good_values),
            },
            "contract": self.features.as_json(),
            "missing_values": {name: list(codes) for name, codes in self.missing_values.items()},
            "reasons": self.reason_library()["groups"],
            "ignored": dict(self.ignored),
        }

    def protected_part(self) -> dict[str, Any]:
        """What only monitoring and governance may know."""
        return {
            "protected": {
                name: {"basis": column.basis, "description": column.description}
                for name, column in self.protected.items()
            },
            "groups": {name: grouping.as_json() for name, grouping in self.groups.items()},
        }

    def reason_library(self, language: str = "en") -> dict[str, Any]:
        """The body of a reason library policy made of the description's reasons."""
        return {
            "language": language,
            "groups": {
                group: {key: getattr(reason, key) for key in _REASON_TEXTS}
                for group, reason in self.reasons.items()
            },
        }


@dataclass
class _Reader(TableReader):
    """Reads a TOML document into the parts of a Description, collecting problems as it goes."""

    classified: dict[str, list[str]] = field(default_factory=dict)

    def read(self) -> dict[str, Any]:
        for name in self.document:
            if name not in _TABLES:
                self.fault(name, f"Unknown table; known are {', '.join(_TABLES)}.")
        dataset = self.dataset()
        label = self.label()
        time = self.time()
        features, missing_values = self.features()
        protected = self.protected()
        parts = {
            "dataset": {key: dataset.get(key, "") for key in _DATASET_TEXTS},
            "row_key": dataset.get("row_key"),
            "entity": dataset.get("entity"),
            "label": label,
            "time": time,
            "features": FeatureContract(tuple(features)),
            "missing_values": missing_values,
            "reasons": self.reasons(features),
            "protected": protected,
            "groups": self.groups(protected),
            "ignored": self.ignored(),
        }
        self.lookups(features, missing_values, dataset.get("entity"), time)
        for column, roles in self.classified.items():
            if len(roles) > 1:
                self.fault(column, f"Classified more than once: {' and '.join(roles)}.", "twice")
        return parts

    def dataset(self) -> Mapping[str, Any]:
        table = self.table("dataset", required=True)
        self.unknown_keys("dataset", table, (*_DATASET_TEXTS, "row_key", "entity"))
        for key in _DATASET_TEXTS:
            self.text(table, key, "dataset")
        if "row_key" in table and self.text(table, "row_key", "dataset"):
            self.classify(table["row_key"], "row key")
        if "entity" in table and self.text(table, "entity", "dataset"):
            self.classify(table["entity"], "entity")
        return table

    def label(self) -> Label:
        table = self.table("label", required=True)
        self.unknown_keys("label", table, ("column", "bad_values", "good_values"))
        column = self.text(table, "column", "label")
        self.classify(column, "label")
        bad_values = table.get("bad_values")
        if not isinstance(bad_values, list) or not bad_values:
            self.fault("label.bad_values", "List the values of the label that mean bad.")
            bad_values = []
        good_values = table.get("good_values", [])
        if not isinstance(good_values, list) or any(value in bad_values for value in good_values):
            self.fault("label.good_values", "List the values that mean good, none of them bad too.")
            good_values = []
        return Label(column, tuple(bad_values), tuple(good_values))

    def time(self) -> str | None:
        if "time" not in self.document:
            return None
        table = self.table("time")
        self.unknown_keys("time", table, ("column",))
        column = self.text(table, "column", "time")
        self.classify(column, "time")
        return column

    def features(self) -> tuple[list[Feature], dict[str, tuple[Value, ...]]]:
        features, missing_values = [], {}
        for name, entry in self.tables("features", required=True):
            self.classify(name, "feature")
            codes = entry.get("missing_values", [])
            if not isinstance(codes, list):
                self.fault(f"features.{name}.missing_values", "Must be a list.")
            elif codes:
                missing_values[name] = tuple(codes)
            feature, problems = read_feature(
                {"name": name, **{key: entry[key] for key in entry if key != "missing_values"}},
                f"features.{name}",
            )
            self.problems += problems
            if feature is not None:
                features.append(feature)
                if codes and feature.missing == "refused":
                    self.fault(
                        f"features.{name}.missing",
                        "Has codes for missing values, so missing must be allowed.",
                    )
        return features, missing_values

    def lookups(
        self,
        features: list[Feature],
        missing_values: Mapping[str, tuple[Value, ...]],
        entity: str | None,
        time: str | None,
    ) -> None:
        looked_up = [one.name for one in features if one.table and not one.is_online]
        if looked_up and not entity:
            self.fault("dataset.entity", "Features are looked up: name the column that says whom.")
        if looked_up and not time:
            self.fault("time", "Features are looked up: name the column that says as of when.")
        if entity and not looked_up:
            self.fault("dataset.entity", "No feature is looked up in a table.")
        for name in set(looked_up).intersection(missing_values):
            self.fault(f"features.{name}.missing_values", "Feature tables have no such codes.")

    def reasons(self, features: list[Feature]) -> dict[str, Reason]:
        reasons = {}
        for group, entry in self.tables("reasons", required=True):
            where = f"reasons.{group}"
            self.unknown_keys(where, entry, _REASON_TEXTS)
            reasons[group] = Reason(*(self.text(entry, key, where) for key in _REASON_TEXTS))
        codes = [reason.code for reason in reasons.values()]
        for group, reason in reasons.items():
            if codes.count(reason.code) > 1:
                self.fault(f"reasons.{group}.code", "Another reason has the same code.")
        for feature in features:
            if feature.reason_group not in reasons:
                self.fault(
                    f"features.{feature.name}.reason_group",
                    "Must name one of the [reasons.*], so that an applicant can be told.",
                )
        for group in set(reasons).difference(feature.reason_group for feature in features):
            self.fault(f"reasons.{group}", "No feature belongs to this reason group.")
        return reasons

    def protected(self) -> dict[str, Protected]:
        protected = {}
        for name, entry in self.tables("protected"):
            where = f"protected.{name}"
            self.classify(name, "protected")
            self.unknown_keys(where, entry, ("basis", "description"))
            protected[name] = Protected(
                self.text(entry, "basis", where), self.text(entry, "description", where)
            )
        return protected

    def groups(self, protected: Mapping[str, Protected]) -> dict[str, Grouping]:
        groupings = {}
        for attribute, entry in self.tables("groups"):
            faults = grouping_problems(attribute, entry)
            self.problems += faults
            if faults:
                continue
            grouping = Grouping.from_json(attribute, entry)
            for column in sorted(grouping.columns.difference(protected)):
                self.fault(f"groups.{attribute}", f"{column} is not a [protected.*] column.")
            groupings[attribute] = grouping
        return groupings

    def ignored(self) -> dict[str, str]:
        table = self.table("ignored")
        for name in table:
            self.classify(name, "ignored")
            self.text(table, name, "ignored", "Say why the column is ignored.")
        return dict(table)

    def classify(self, column: str, role: str) -> None:
        if column:
            self.classified.setdefault(column, []).append(role)

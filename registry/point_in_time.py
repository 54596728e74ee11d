"""What was known of somebody at a moment: the one way in which a feature table is read. Pure.

Training joins a spine of past moments with it, and a decision asks it about now, so that a model meets at
work what it learned from. A value counts when it had happened (`event_at`) and was known (`created_at`) by then,
so that data which came late never helps a model to learn, and while it is no older than the table's time to live.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from registry.contract import Feature, FeatureContract


@dataclass(frozen=True, slots=True)
class Known:
    """One row of a feature table about one entity: all its values, as they were from `event_at` on.

    `created_at` is when the row was known, `number` the order in which rows came; `packed` holds float64 (k,),
    one value per feature of the table in its order, missing is NaN.
    """

    event_at: datetime
    created_at: datetime
    number: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """A feature table in one version, as lookups need it."""

    table_id: int
    name: str
    version: int
    client: str
    """In whose references the entities are named."""
    features: FeatureContract
    ttl: timedelta

    @property
    def reference(self) -> str:
        return f"{self.name}/{self.version}"

    def differences(self, wanted: Iterable[Feature]) -> dict[str, str]:
        """Why features that a contract wants from this table are not what it holds, by name."""
        found = {}
        for feature in wanted:
            own = self.features.by_name.get(feature.name)
            if own is None:
                found[feature.name] = f"{self.reference} holds no such feature."
                continue
            differs = [key for key in _MEANING if getattr(own, key) != getattr(feature, key)]
            if differs:
                found[feature.name] = f"Differs from {self.reference} in {', '.join(differs)}."
        return found


_MEANING = ("type", "minimum", "maximum", "unit", "categories")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a table says of one entity at one moment: values by feature, and the row they come from.

    Without a row that counts, every value is None.
    """

    values: Mapping[str, Any]
    row: Known | None


def newest_known(rows: Sequence[Known], at: datetime, ttl: timedelta) -> Known | None:
    """The newest of one entity's rows, in any order, that had happened and was known at a moment.

    Of rows about one event the one that was known last counts, then the one that came last: it corrects the
    others. None where there is no such row, or where it is older than `ttl`: an older row never stands in for it.
    """
    known = [row for row in rows if row.event_at <= at and row.created_at <= at]
    if not known:
        return None
    newest = max(known, key=lambda row: (row.event_at, row.created_at, row.number))
    return newest if at - newest.event_at <= ttl else None


def features_at(
    source: Source, names: Iterable[str], rows: Sequence[Known], at: datetime
) -> Answer:
    """The named features of one entity at a moment, from its rows in any order."""
    row = newest_known(rows, at, source.ttl)
    values = source.features.unpack(np.frombuffer(row.packed)) if row else {}
    return Answer({name: values.get(name) for name in names}, row)

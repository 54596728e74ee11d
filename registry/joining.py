"""Feature tables joined to a data file: to each row what was known of its person at its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from audit.deferred import deferred
from audit.errors import FieldProblem
from audit.references import find
from registry import feature_tables
from registry.contract import Feature
from registry.description import Description
from registry.errors import FileDiffersFromDescription
from registry.point_in_time import Answer, Source, features_at

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = deferred("pandas")


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """A file with its looked-up features and without the people's references; `provenance` is for the data set."""

    frame: pd.DataFrame
    provenance: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Joined:
    """What one table gave to the rows of one file.

    `found` rows have a value that counts, `not_known` have none. `recorded_later` of those found rest on a row that
    came into the service after the moment as of which it was joined: that it was known then is the source's word.
    """

    features: list[str]
    contract_sha256: str
    ttl_seconds: int
    found: int
    not_known: int
    recorded_later: int


def join_features(frame: pd.DataFrame, description: Description) -> JoinedFile:
    """The file as described, with the features that it looks up; the file itself where it looks nothing up.

    A time without its hour counts as the beginning of its day in UTC, so that nothing of the day itself is
    learned from. People whose data is only kept (Art. 18 GDPR) are joined with nothing. Raises UnknownFeatureTable,
    FeaturesDifferFromTable or FileDiffersFromDescription.
    """
    sources = feature_tables.sources_of(description.features)
    if not sources:
        return JoinedFile(frame, {})
    moments, references = _spine(frame, description)
    joined = frame.drop(columns=[description.entity])
    joined[description.time] = [f"{moment:%Y-%m-%d}" for moment in moments]
    provenance = {}
    for source in sources:
        wanted = description.features.tables[source.reference]
        answers = _answers(source, wanted, references, moments)
        for feature in wanted:
            values = [answer.values[feature.name] for answer in answers]
            joined[feature.name] = pd.Series(values, index=frame.index, dtype=object)
        provenance[source.reference] = asdict(_counted(source, wanted, answers, moments))
    return JoinedFile(joined, {"feature_tables": provenance})


def _spine(frame: pd.DataFrame, description: Description) -> tuple[list[datetime], list[str]]:
    """As of when, and about whom, each row is."""
    entity, time = description.entity, description.time
    assert entity is not None  # a description that looks features up names both
    assert time is not None
    problems = [
        FieldProblem(name, "absent", "The file has no such column.")
        for name in (entity, time)
        if name not in frame
    ]
    problems += [
        FieldProblem(feature.name, "looked_up", f"Looked up in {feature.table}; leave it out.")
        for feature in description.features.features
        if feature.table and not feature.is_online and feature.name in frame
    ]
    if not problems:
        moments = pd.to_datetime(frame[time], format="ISO8601", errors="coerce", utc=True)
        moments = moments.dt.floor("us")  # what a nanosecond leaves out lies before it
        references = frame[entity].map(_reference)
        problems += [
            FieldProblem(name, "wrong_type", f"{count} rows hold no {what}.")
            for name, count, what in (
                (time, int(moments.isna().sum()), "time in ISO 8601"),
                (entity, int(references.isna().sum()), "reference of a person"),
            )
            if count
        ]
    if problems:
        raise FileDiffersFromDescription(
            "No features can be looked up for this file; see `errors`.", errors=problems
        )
    return [moment.to_pydatetime() for moment in moments], [str(one) for one in references]


def _reference(value: Any) -> str | None:
    """A person's reference as text: a number as its digits, as other systems write it."""
    if pd.isna(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) or None


def _answers(
    source: Source,
    wanted: Sequence[Feature],
    references: Sequence[str],
    moments: Sequence[datetime],
) -> list[Answer]:
    people: dict[str, UUID] = find(source.client, "subject", list(dict.fromkeys(references)))
    since, until = min(moments, default=None), max(moments, default=None)
    if since is None or until is None:
        return []
    rows = feature_tables.known_rows(
        source, set(people.values()), since - source.ttl, until, unrestricted=True
    )
    names = [feature.name for feature in wanted]
    return [
        features_at(
            source, names, rows.get(people[reference], ()) if reference in people else (), at
        )
        for reference, at in zip(references, moments, strict=True)
    ]


def _counted(
    source: Source,
    wanted: Sequence[Feature],
    answers: Sequence[Answer],
    moments: Sequence[datetime],
) -> Joined:
    used = [
        (answer.row.number, at) for answer, at in zip(answers, moments, strict=True) if answer.row
    ]
    recorded_at = feature_tables.recorded_times({number for number, _ in used})
    return Joined(
        features=[feature.name for feature in wanted],
        contract_sha256=source.features.sha256,
        ttl_seconds=source.ttl // timedelta(seconds=1),
        found=len(used),
        not_known=len(answers) - len(used),
        recorded_later=sum(recorded_at[number] > at for number, at in used),
    )

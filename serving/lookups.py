"""Features that the service looks up itself, at the moment of the decision.

What a table says of a person comes from `registry.point_in_time`, as in training; what an online store says, from
`serving.online_lookups`. What is kept of it beside the values is how fresh they were: of each feature the table, the
event it dates from, and its age.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from audit import references, turns
from audit.canonical import timestamp
from audit.errors import FieldProblem
from registry import feature_tables
from registry.contract import Feature, FeatureContract
from registry.point_in_time import Answer, Source, features_at
from serving.applications import Application
from serving.online_lookups import add_online, held_of


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked up for one application: values by feature, freshness as it is kept, and what stands in the way."""

    values: dict[str, Any]
    freshness: dict[str, Any]
    problems: list[FieldProblem]


def look_up(
    contract: FeatureContract,
    sources: Sequence[Source],
    applications: Sequence[Application],
    client: str,
) -> list[Found]:
    """What the tables say of the people behind n applications, in order. Inside the deciding act.

    1. Ask online stores, before anything is held that others may wait for. 2. Hold the people, so that none is erased
    meanwhile. 3. Share the tables' turns, and only then take the time: whatever is recorded from here on is known later
    than that. 4. Look up, table by table, and judge how old everything is.

    Raises AlreadyErased, OnlineStoreUnavailable or OnlineStoresMalformed.
    """
    # 1
    held = held_of(contract, [one.subject_ref for one in applications], client)
    # 2
    people = references.people_for(client, [one.subject_ref for one in applications])
    subjects = [people[one.subject_ref].subject_id for one in applications]
    # 3
    for source in sorted(sources, key=lambda source: source.table_id):
        turns.share(feature_tables.turn_of(source))
    at = timezone.now()
    # 4
    found = [Found({}, {"as_of": timestamp(at), "features": []}, []) for _ in applications]
    for source in sources:
        wanted = contract.tables[source.reference]
        answers, last = _answers(source, wanted, set(subjects), at)
        for subject, one in zip(subjects, found, strict=True):
            _add(one, source, wanted, answers[subject], last.get(subject), at)
            if source.client != client:
                one.problems[:] = [_of_another_client(source, feature) for feature in wanted]
    for application, one in zip(applications, found, strict=True):
        one.problems.extend(
            add_online(
                contract, held, application.subject_ref, at, one.values, one.freshness["features"]
            )
        )
    return found


def table_of(lookup: Mapping[str, Any]) -> str:
    """Where a feature was looked up, by what is kept of it: `bureau/2`, or `feast:risk/bureau`."""
    version = lookup["table_version"]
    return str(lookup["table"]) if version is None else f"{lookup['table']}/{version}"


def _answers(
    source: Source, wanted: Sequence[Feature], subjects: set[UUID], at: datetime
) -> tuple[dict[UUID, Answer], dict[UUID, datetime]]:
    """What the table says of each person, and of those of whom it says nothing when it last did."""
    rows = feature_tables.known_rows(source, subjects, at - source.ttl, at)
    names = [feature.name for feature in wanted]
    answers = {
        subject: features_at(source, names, rows.get(subject, ()), at) for subject in subjects
    }
    silent = {subject for subject, answer in answers.items() if answer.row is None}
    return answers, feature_tables.newest_events(source, silent, at) if silent else {}


def _add(
    one: Found,
    source: Source,
    wanted: Sequence[Feature],
    answer: Answer,
    last: datetime | None,
    at: datetime,
) -> None:
    row = answer.row
    event_at = row.event_at if row else last
    state = "fresh" if row else "absent" if last is None else "stale"
    for feature in wanted:
        one.values[feature.name] = answer.values[feature.name]
        one.freshness["features"].append(
            {
                "feature": feature.name,
                "table": source.name,
                "table_version": source.version,
                "state": state,
                "event_at": event_at and timestamp(event_at),
                "created_at": row and timestamp(row.created_at),
                "age_seconds": event_at and (at - event_at).total_seconds(),
                "ttl_seconds": int(source.ttl.total_seconds()),
            }
        )
        if answer.values[feature.name] is None and feature.missing == "refused":
            one.problems.append(_missing(source, feature, state))


def _missing(source: Source, feature: Feature, state: str) -> FieldProblem:
    match state:
        case "stale":
            detail = f"What {source.reference} holds is older than its time to live."
        case "absent":
            detail = f"{source.reference} holds nothing about this person."
        case _:
            detail = f"{source.reference} says that the value is not known."
    return FieldProblem(feature.name, state if state != "fresh" else "missing", detail)


def _of_another_client(source: Source, feature: Feature) -> FieldProblem:
    detail = f"{source.reference} names people in the references of another system."
    return FieldProblem(feature.name, "other_client", detail)

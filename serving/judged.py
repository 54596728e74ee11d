"""From what a caller sent to applications judged by one version, or why one is not: inside the deciding act."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter_ns
from typing import Any

from django.contrib.auth.models import User

from audit.errors import FieldProblem, Refusal
from registry.restrictions import problems_under
from serving.applications import Application, read_application
from serving.errors import InvalidApplication, UseRestricted
from serving.judging import Judgement
from serving.lookups import look_up
from serving.policy import left_to_a_person
from serving.scoring import LiveVersion


@dataclass(frozen=True, slots=True)
class JudgedApplication:
    """An application and its judgement, not yet kept; `lookups` is the freshness of what was looked up.

    `judge_us` is None for one of several.
    """

    application: Application
    judgement: Judgement
    lookups: dict[str, Any] | None
    judge_us: int | None


def judged_applications(
    live: LiveVersion, documents: Sequence[object], now: datetime, by: User
) -> list[JudgedApplication | Refusal]:
    judge = live.loaded.judge
    rows: list[Application | Refusal] = []
    for document in documents:
        if isinstance(document, Refusal):
            rows.append(document)
            continue
        application, problems = read_application(document, judge.contract, judge.barred, now)
        rows.append(application or _invalid(problems))
    return ruled_applications(live, *_looked_up(live, rows, by))


def ruled_applications(
    live: LiveVersion, rows: list[Application | Refusal], lookups: Mapping[int, dict[str, Any]]
) -> list[JudgedApplication | Refusal]:
    """The judgement of each application, or why there is none; `lookups` by position."""
    judge = live.loaded.judge
    rows = [_within_limits(live, row) if isinstance(row, Application) else row for row in rows]
    valid = [row for row in rows if isinstance(row, Application)]
    if not valid:
        return [row for row in rows if isinstance(row, Refusal)]
    started = perf_counter_ns()
    judgements = iter(judge.judge([row.features for row in valid]))
    judge_us = (perf_counter_ns() - started) // 1000 if len(rows) == 1 else None
    judged: list[JudgedApplication | Refusal] = []
    for position, row in enumerate(rows):
        if isinstance(row, Refusal):
            judged.append(row)
            continue
        judgement = next(judgements)
        if isinstance(judgement, Refusal):
            judged.append(judgement)
            continue
        if live.referring:
            judgement = replace(judgement, ruling=left_to_a_person(judgement.ruling))
        judged.append(JudgedApplication(row, judgement, lookups.get(position), judge_us))
    return judged


def _looked_up(
    live: LiveVersion, rows: list[Application | Refusal], by: User
) -> tuple[list[Application | Refusal], dict[int, dict[str, Any]]]:
    """The applications with what tables and online stores say of their people, and how fresh that is by position.

    Nothing is asked where the version looks nothing up.
    """
    judge = live.loaded.judge
    places = [place for place, row in enumerate(rows) if isinstance(row, Application)]
    if not judge.contract.looked_up or not places:
        return rows, {}
    applications = [row for row in rows if isinstance(row, Application)]
    found = look_up(judge.contract, live.loaded.sources, applications, by.get_username())
    completed, lookups = list(rows), {}
    for place, application, one in zip(places, applications, found, strict=True):
        completed[place] = (
            _invalid(one.problems) if one.problems else application.with_features(one.values)
        )
        lookups[place] = one.freshness
    return completed, lookups


def _invalid(problems: list[FieldProblem]) -> InvalidApplication:
    return InvalidApplication(
        "The application cannot be decided; `errors` names every field that is wrong.",
        errors=problems,
    )


def _within_limits(live: LiveVersion, application: Application) -> Application | UseRestricted:
    """The application, or why it is never scored."""
    problems = problems_under(live.limits, application.features)
    if not problems:
        return application
    return UseRestricted(
        f"{live.loaded.version} may not be used for this application; see `errors`.",
        errors=problems,
    )

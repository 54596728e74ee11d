"""An application as the lending system sends it, and everything that is wrong with one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from audit.bodies import MOST_LISTED, printable
from audit.errors import FieldProblem
from registry.contract import FeatureContract

LONGEST_REFERENCE = 200
CLOCK_TOLERANCE = timedelta(minutes=5)
MEMBERS = frozenset({"application_ref", "subject_ref", "received_at", "completed_at", "features"})


@dataclass(frozen=True, slots=True)
class Application:
    """One application without problems: the caller's references, its times and its features.

    `completed_at` is None where the caller does not know when the application was complete.
    """

    application_ref: str
    subject_ref: str
    received_at: datetime
    completed_at: datetime | None
    features: Mapping[str, Any]


def read_application(
    document: object, contract: FeatureContract, barred: Collection[str], now: datetime
) -> tuple[Application | None, list[FieldProblem]]:
    """The application, or None and every problem with it at once.

    `barred` are names of protected attributes, which no application may carry. Without
    `received_at` it counts as received when it was complete, or else `now`.
    """
    if not isinstance(document, Mapping):
        return None, [FieldProblem("application", "wrong_type", "Must be an object.")]
    problems = _unexpected(document, MEMBERS, "An application has no such member.")
    references = [
        _reference(document, name, problems) for name in ("application_ref", "subject_ref")
    ]
    completed_at = _moment(document, "completed_at", now, problems)
    received_at = _moment(document, "received_at", now, problems) or completed_at or now
    if completed_at and completed_at < received_at:
        problems.append(
            FieldProblem("completed_at", "out_of_range", "Must not be before received_at.")
        )
    features = document.get("features")
    if isinstance(features, Mapping):
        problems += _feature_problems(features, contract, barred)
    else:
        problems.append(_no_object("features", document))
    if problems:
        return None, problems
    assert isinstance(features, Mapping)
    return Application(references[0], references[1], received_at, completed_at, features), []


def _feature_problems(
    features: Mapping[str, Any], contract: FeatureContract, barred: Collection[str]
) -> list[FieldProblem]:
    known = {name: value for name, value in features.items() if name in contract.by_name}
    surplus = [name for name in features if name not in contract.by_name]
    listed = dict.fromkeys([name for name in surplus if printable(name)][:MOST_LISTED])
    problems = contract.problems(known | listed, barred)
    if unlisted := len(surplus) - len(listed):
        problems.append(
            FieldProblem("features", "unexpected", f"{unlisted} more names that are no features.")
        )
    return problems


def _unexpected(
    document: Mapping[str, Any], members: frozenset[str], detail: str
) -> list[FieldProblem]:
    surplus = [name for name in document if name not in members]
    listed = [name for name in surplus if printable(name)][:MOST_LISTED]
    problems = [FieldProblem(name, "unexpected", detail) for name in listed]
    if unlisted := len(surplus) - len(listed):
        problems.append(
            FieldProblem("application", "unexpected", f"{unlisted} more members that are unknown.")
        )
    return problems


def _reference(document: Mapping[str, Any], name: str, problems: list[FieldProblem]) -> str:
    value = document.get(name)
    if isinstance(value, str) and 0 < len(value) <= LONGEST_REFERENCE and value.isprintable():
        return value
    if name not in document:
        problems.append(FieldProblem(name, "missing", "A decision needs this reference."))
    else:
        detail = f"Must be a text of 1 to {LONGEST_REFERENCE} printable characters."
        problems.append(FieldProblem(name, "wrong_type", detail))
    return ""


def _moment(
    document: Mapping[str, Any], name: str, now: datetime, problems: list[FieldProblem]
) -> datetime | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        detail = "Must be a time with its zone, such as 2026-11-20T09:30:00Z."
        problems.append(FieldProblem(name, "wrong_type", detail))
        return None
    if moment > now + CLOCK_TOLERANCE:
        problems.append(FieldProblem(name, "out_of_range", "Must not lie in the future."))
    return moment


def _no_object(name: str, document: Mapping[str, Any]) -> FieldProblem:
    if name in document:
        return FieldProblem(name, "wrong_type", "Must be an object of feature names and values.")
    return FieldProblem(name, "missing", "A decision needs the features of the application.")

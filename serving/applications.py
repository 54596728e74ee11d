"""An application as the lending system sends it, and everything that is wrong with one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from audit.bodies import MOST_LISTED, printable
from audit.errors import FieldProblem
from registry.contract import FeatureContract
from registry.requests import feature_problems, read_moment, read_reference

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

    def with_features(self, looked_up: Mapping[str, Any]) -> "Application":
        """The application with what the service looked up itself."""
        return replace(self, features={**self.features, **looked_up})


def read_application(
    document: object, contract: FeatureContract, barred: Collection[str], now: datetime
) -> tuple[Application | None, list[FieldProblem]]:
    """The application, or None and every problem with it at once.

    What the contract looks up is refused where the application brings it: two sources of one value would differ
    some day. `barred` are names of protected attributes, which no application may carry. Without
    `received_at` it counts as received when it was complete, or else `now`.
    """
    if not isinstance(document, Mapping):
        return None, [FieldProblem("application", "wrong_type", "Must be an object.")]
    problems = _unexpected(document, MEMBERS, "An application has no such member.")
    references = [
        read_reference(document, name, problems, "A decision needs this reference.")
        for name in ("application_ref", "subject_ref")
    ]
    latest = now + CLOCK_TOLERANCE
    completed_at = read_moment(document, "completed_at", latest, problems)
    received_at = read_moment(document, "received_at", latest, problems) or completed_at or now
    if completed_at and completed_at < received_at:
        problems.append(
            FieldProblem("completed_at", "out_of_range", "Must not be before received_at.")
        )
    features = document.get("features")
    if isinstance(features, Mapping):
        looked_up = [name for name in features if name in contract.looked_up]
        given = features
        if looked_up:
            given = {
                name: value for name, value in features.items() if name not in contract.looked_up
            }
        problems += feature_problems(given, contract.given, barred)
        detail = "The service looks this feature up itself; leave it out."
        problems += [FieldProblem(name, "looked_up", detail) for name in looked_up]
    else:
        problems.append(_no_object("features", document))
    if problems:
        return None, problems
    assert isinstance(features, Mapping)
    return Application(references[0], references[1], received_at, completed_at, features), []


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


def _no_object(name: str, document: Mapping[str, Any]) -> FieldProblem:
    if name in document:
        return FieldProblem(name, "wrong_type", "Must be an object of feature names and values.")
    return FieldProblem(name, "missing", "A decision needs the features of the application.")

"""Members of what callers send that decisions and feature rows have in common: a reference, a time, features. Pure.

Each reading notes what is wrong under the member's name, and holds no value.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from audit.bodies import MOST_LISTED, printable
from audit.errors import FieldProblem
from registry.contract import FeatureContract

LONGEST_REFERENCE = 200


def read_reference(
    document: Mapping[str, Any], name: str, problems: list[FieldProblem], why: str
) -> str:
    """The caller's own name for a person or an application; empty where it is wrong."""
    value = document.get(name)
    if isinstance(value, str) and 0 < len(value) <= LONGEST_REFERENCE and value.isprintable():
        return value
    if name not in document:
        problems.append(FieldProblem(name, "missing", why))
    else:
        detail = f"Must be a text of 1 to {LONGEST_REFERENCE} printable characters."
        problems.append(FieldProblem(name, "wrong_type", detail))
    return ""


def read_moment(
    document: Mapping[str, Any], name: str, latest: datetime, problems: list[FieldProblem]
) -> datetime | None:
    """An aware time in UTC that is no later than `latest`; None where it is absent, null or wrong."""
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
    if moment > latest:
        problems.append(FieldProblem(name, "out_of_range", "Must not lie in the future."))
    return moment


def feature_problems(
    features: Mapping[str, Any], contract: FeatureContract, barred: Collection[str]
) -> list[FieldProblem]:
    """What `FeatureContract.problems` finds, of names that callers made up only so many as a refusal lists."""
    validator = contract.validator(frozenset(barred))
    if validator.takes(features):
        return []
    known = {name: value for name, value in features.items() if name in contract.by_name}
    surplus = [name for name in features if name not in contract.by_name]
    listed = dict.fromkeys([name for name in surplus if printable(name)][:MOST_LISTED])
    problems = validator.problems(known | listed)
    if unlisted := len(surplus) - len(listed):
        problems.append(
            FieldProblem("features", "unexpected", f"{unlisted} more names that are no features.")
        )
    return problems

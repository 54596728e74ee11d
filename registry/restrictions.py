"""What use restrictions say, as calculations: whether limits are well formed, and what an application breaks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.errors import FieldProblem
from registry.contract import FeatureContract

MEMBERS: dict[str, frozenset[str]] = {
    "max_amount": frozenset({"feature", "max"}),
    "allowed_values": frozenset({"feature", "values"}),
    "no_new_decisions": frozenset(),
    "refer_all": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """One restriction in force, by its number."""

    number: int
    kind: str
    limits: Mapping[str, Any]

    @property
    def closes(self) -> bool:
        """Whether no application at all is decided."""
        return self.kind == "no_new_decisions"

    @property
    def refers(self) -> bool:
        """Whether every application is left to a person."""
        return self.kind == "refer_all"


def limit_problems(
    kind: str, limits: Mapping[str, Any], contracts: Sequence[FeatureContract]
) -> list[FieldProblem]:
    """Everything wrong with the limits of a restriction; each feature must be in every one of the contracts.

    Without a contract only what names no feature can be placed: nobody could say what a limit is about.
    """
    if kind not in MEMBERS:
        return [FieldProblem("kind", "unknown", f"One of {', '.join(MEMBERS)}.")]
    problems = [
        FieldProblem(f"limits.{name}", "missing", "This kind of restriction needs it.")
        for name in sorted(MEMBERS[kind] - set(limits))
    ]
    problems += [
        FieldProblem("limits", "unexpected", "Holds a member that this kind does not have.")
        for _ in sorted(set(limits) - MEMBERS[kind])[:1]
    ]
    if "max" in limits and not _is_number(limits["max"]):
        problems.append(FieldProblem("limits.max", "wrong_type", "Must be a finite number."))
    if "values" in limits and not _are_values(limits["values"]):
        problems.append(
            FieldProblem("limits.values", "wrong_type", "Must list texts, numbers or true/false.")
        )
    if not problems and "feature" in limits:
        problems += _feature_problems(kind, limits["feature"], contracts)
    return problems


def problems_under(limits: Iterable[Limit], features: Mapping[str, Any]) -> list[FieldProblem]:
    """Where one application lies outside of the limits. A value that is not known is outside of every limit on it."""
    return [
        FieldProblem(
            f"features.{limit.limits['feature']}",
            "restricted",
            f"Outside of use restriction {limit.number} ({limit.kind}).",
        )
        for limit in limits
        if MEMBERS[limit.kind] and not _is_within(limit, features.get(limit.limits["feature"]))
    ]


def _is_within(limit: Limit, value: object) -> bool:
    if limit.kind == "max_amount":
        return _is_number(value) and bool(value <= limit.limits["max"])
    return any(_is_same(value, allowed) for allowed in limit.limits["values"])


def _is_same(value: object, allowed: object) -> bool:
    """In Python True equals 1; here a flag is no number."""
    return value == allowed and isinstance(value, bool) == isinstance(allowed, bool)


def _feature_problems(
    kind: str, name: object, contracts: Sequence[FeatureContract]
) -> list[FieldProblem]:
    if not contracts or not all(name in contract.by_name for contract in contracts):
        return [FieldProblem("limits.feature", "unknown", "No feature of what is restricted.")]
    types = {contract.by_name[str(name)].type for contract in contracts}
    if kind == "max_amount" and not types <= {"number", "integer"}:
        return [FieldProblem("limits.feature", "wrong_type", "Must be a feature that is a number.")]
    return []


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    )


def _are_values(values: object) -> bool:
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(value, str | bool) or _is_number(value) for value in values)
    )

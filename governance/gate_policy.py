"""Reading a gate policy: which checks it lists, between which limits, how severely, and why. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeGuard

from audit.errors import FieldProblem
from governance.documents.kinds import DEVELOPMENT
from governance.errors import GatePolicyMalformed

WATCH_AIR = 0.90
"""Adverse impact ratio below which a passing group is watched, where the policy names no other."""

# The checks, and the limits that each must have.
LIMITS: dict[str, tuple[str, ...]] = {
    "rows": ("minimum",),
    "nulls": ("maximum",),
    "valid_rows": ("minimum",),
    "accuracy": ("minimum",),
    "auc": ("minimum",),
    "gini": ("minimum",),
    "champion_auc_difference": ("minimum",),
    "ks_separation": ("minimum",),
    "brier": ("maximum",),
    "log_loss": ("maximum",),
    "calibration": ("minimum", "maximum"),
    "calibration_slope": ("minimum", "maximum"),
    "calibration_intercept": ("minimum", "maximum"),
    "calibration_by_grade": ("minimum",),
    "score_psi": ("maximum",),
    "feature_csi": ("maximum",),
    "score_psi_recent": ("maximum",),
    "feature_csi_recent": ("maximum",),
    "noise_flips": ("maximum",),
    "missing_flips": ("maximum",),
    "monotonicity": ("maximum",),
    "elderly_age": ("maximum", "from_age"),
    "reason_stability": ("minimum",),
    "reason_faithfulness": ("minimum",),
    "additivity": ("maximum",),
    "explain_latency_p95_ms": ("maximum",),
    "adverse_impact": ("minimum",),
    "reproducibility": (),
    "baseline_rows": ("minimum",),
    "documents_complete": ("kinds",),
}
OPTIONS = {"adverse_impact": ("watch", "sample"), "documents_complete": ("approved",)}
FAIRNESS = frozenset({"adverse_impact", "elderly_age"})
"""Checks on how groups of people fare: not overridable unless the policy says so."""
COMMON = ("check", "severity", "reason", "overridable")
SAMPLES = ("holdout", "all")


class Severity(StrEnum):
    """Whether missing a limit keeps a version from being promoted, or is only shown."""

    BLOCK = "block"
    WATCH = "watch"


@dataclass(frozen=True)
class Check:
    """One line of a gate policy: what is measured, between which limits, how severely, and why.

    Under an exception `minimum` and `maximum` are the exception's, `policy_threshold` says what the policy asks,
    and `exception` is the entry id that granted it.
    """

    name: str
    severity: Severity
    reason: str
    minimum: float | None = None
    maximum: float | None = None
    watch: float = WATCH_AIR
    sample: str = SAMPLES[0]
    from_age: float = 0.0
    overridable: bool = True
    policy_threshold: str = ""
    exception: str = ""
    kinds: tuple[str, ...] = ()
    approved: bool = True

    @property
    def threshold(self) -> str:
        """The limits in words, as a report shows them."""
        if self.name == "reproducibility":
            return "the same model"
        if self.kinds:
            state = "approved" if self.approved else "generated"
            return f"{', '.join(self.kinds).replace('_', ' ')} {state}"
        parts = []
        if self.minimum is not None:
            parts.append(f"at least {self.minimum:g}")
        if self.maximum is not None:
            parts.append(f"at most {self.maximum:g}")
        age = f" from age {self.from_age:g}" if self.from_age else ""
        return " and ".join(parts) + age

    def overridden(self, minimum: float | None, maximum: float | None, exception: str) -> "Check":
        """The same check between other limits, by the exception of that entry."""
        return replace(
            self,
            minimum=minimum,
            maximum=maximum,
            policy_threshold=self.threshold,
            exception=exception,
        )

    def admits(self, value: float) -> bool:
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)


def read_policy(body: Mapping[str, Any]) -> tuple[Check, ...]:
    """The checks of a policy body. Raises GatePolicyMalformed naming everything wrong with it at once."""
    entries = body.get("checks")
    if not isinstance(entries, list) or not entries:
        problem = FieldProblem("checks", "missing", "A gate policy lists at least one check.")
        raise GatePolicyMalformed("A policy without checks would pass everybody.", errors=[problem])
    problems = [problem for i, entry in enumerate(entries) for problem in _entry_problems(i, entry)]
    if problems:
        raise GatePolicyMalformed("The gate policy cannot be used.", errors=problems)
    return tuple(_check(entry) for entry in entries)


def override_problems(check: Check, minimum: object, maximum: object) -> Iterator[FieldProblem]:
    """Why an exception cannot put these limits in the place of the check's: none is missing, and none is tighter."""
    if not check.overridable:
        yield FieldProblem(
            "check", "not_permitted", f"The policy allows no exception from {check.name}."
        )
        return
    sides = (("minimum", minimum, check.minimum, -1.0), ("maximum", maximum, check.maximum, 1.0))
    for side, asked, limit, outwards in sides:
        if limit is None:
            if asked is not None:
                yield FieldProblem(side, "unexpected", f"{check.name} has no such limit.")
        elif not _is_number(asked) or not math.isfinite(asked):
            yield FieldProblem(side, "missing", f"{check.name} needs this limit, a number.")
        elif (asked - limit) * outwards < 0:
            yield FieldProblem(
                side, "out_of_range", f"An exception is wider than the policy's {limit:g}."
            )
    if (minimum, maximum) == (check.minimum, check.maximum):
        yield FieldProblem(
            "check", "unchanged", f"That is what the policy asks: {check.threshold}."
        )


def _check(entry: Mapping[str, Any]) -> Check:
    name = entry["check"]
    return Check(
        name=name,
        severity=Severity(entry["severity"]),
        reason=entry["reason"],
        minimum=_minimum(entry),
        maximum=entry.get("maximum"),
        watch=entry.get("watch", WATCH_AIR),
        sample=entry.get("sample", SAMPLES[0]),
        from_age=entry.get("from_age", 0.0),
        overridable=entry.get(
            "overridable", name not in FAIRNESS | {"reproducibility", "documents_complete"}
        ),
        kinds=tuple(entry.get("kinds", ())),
        approved=entry.get("approved", True),
    )


def _minimum(entry: Mapping[str, Any]) -> float | None:
    """A refit gives the same model (1) or another one (0); of documents each that is asked for counts one."""
    if entry["check"] == "reproducibility":
        return 1.0
    if entry["check"] == "documents_complete":
        return float(len(entry["kinds"]))
    minimum: float | None = entry.get("minimum")
    return minimum


def _entry_problems(position: int, entry: object) -> Iterator[FieldProblem]:
    where = f"checks.{position}"
    if not isinstance(entry, Mapping) or entry.get("check") not in LIMITS:
        yield FieldProblem(f"{where}.check", "unknown", f"Checks are {', '.join(LIMITS)}.")
        return
    name = entry["check"]
    options = OPTIONS.get(name, ())
    if name == "documents_complete":
        yield from _document_problems(where, entry)
    for limit in (limit for limit in LIMITS[name] if limit != "kinds"):
        if not _is_number(entry.get(limit)):
            yield FieldProblem(f"{where}.{limit}", "missing", f"{name} needs this limit, a number.")
    for key in sorted(set(entry) - {*COMMON, *LIMITS[name], *options}):
        yield FieldProblem(f"{where}.{key}", "unexpected", f"{name} takes no such setting.")
    if entry.get("severity") not in list(Severity):
        yield FieldProblem(f"{where}.severity", "unknown", f"Severities are {', '.join(Severity)}.")
    if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
        yield FieldProblem(f"{where}.reason", "missing", "Say why this limit is right.")
    if not isinstance(entry.get("overridable", True), bool):
        yield FieldProblem(f"{where}.overridable", "wrong_type", "Must be true or false.")
    elif name == "reproducibility" and entry.get("overridable"):
        yield FieldProblem(f"{where}.overridable", "unexpected", "It has no limit to override.")
    if "watch" in entry and not _is_number(entry["watch"]):
        yield FieldProblem(f"{where}.watch", "wrong_type", "Must be a number.")
    if entry.get("sample", SAMPLES[0]) not in SAMPLES:
        yield FieldProblem(f"{where}.sample", "unknown", f"Samples are {', '.join(SAMPLES)}.")


def _document_problems(where: str, entry: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Only documents from before the gates can be asked for: the others rest on the report that is being made."""
    kinds = entry.get("kinds")
    if not isinstance(kinds, list) or not kinds or not all(kind in DEVELOPMENT for kind in kinds):
        detail = (
            f"Must list some of {', '.join(DEVELOPMENT)}: other documents come after the gates."
        )
        yield FieldProblem(f"{where}.kinds", "unknown", detail)
    elif len(set(kinds)) != len(kinds):
        yield FieldProblem(f"{where}.kinds", "duplicate", "Each kind is listed once.")
    if not isinstance(entry.get("approved", True), bool):
        yield FieldProblem(f"{where}.approved", "wrong_type", "Must be true or false.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

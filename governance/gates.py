"""Judging a version by a gate policy: what was measured and the checks in, verdicts out. Pure.

A check that the data cannot answer is never a pass, and no verdict at all passes nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from governance.gate_policy import Check, Severity
from governance.measured import Bools, Measured
from governance.readings import READINGS, Details, Reading, documents_complete, elderly_age
from registry.measures.errors import NotMeasurable
from registry.measures.fairness import (
    GroupResult,
    Limits,
    State,
    adverse_impact_by_attribute,
)


class Status(StrEnum):
    PASS = "pass"
    WATCH = "watch"
    FAIL = "fail"
    INSUFFICIENT_DATA = "insufficient_data"


WORST_FIRST = (Status.FAIL, Status.INSUFFICIENT_DATA, Status.WATCH, Status.PASS)


class Judged(Protocol):
    """Whatever says whether it keeps a version from passing."""

    @property
    def blocks(self) -> bool: ...


@dataclass(frozen=True)
class Verdict:
    """What one check says about one version, or about one group where the check compares groups.

    `details` are the numbers behind the one that was judged: by feature, or by grade. `threshold` is the limit that was
    judged by. Under an exception, `policy_threshold` is the policy's own, and `exception` the entry that granted it.
    """

    check: str
    subject: str
    status: Status
    value: float | None
    low: float | None
    high: float | None
    n: int
    threshold: str
    severity: Severity
    reason: str
    why: str
    details: Details = ()
    policy_threshold: str = ""
    exception: str = ""

    @property
    def blocks(self) -> bool:
        return blocks(self.status, self.severity)

    def as_json(self) -> dict[str, Any]:
        plain = {**asdict(self), "details": [dict(row) for row in self.details]}
        return {**plain, "status": str(self.status), "severity": str(self.severity)}


def judge(measured: Measured, checks: Sequence[Check]) -> list[Verdict]:
    """Every check's verdicts, in the order of the policy."""
    return [verdict for check in checks for verdict in _verdicts(measured, check)]


def blocks(status: Status, severity: Severity) -> bool:
    """Missing evidence blocks like a missed limit, where the policy calls the check blocking."""
    return severity is Severity.BLOCK and status in {Status.FAIL, Status.INSUFFICIENT_DATA}


def missed(check: Check) -> Status:
    """What a limit that was not kept says, by how severe the policy calls the check."""
    return Status.FAIL if check.severity is Severity.BLOCK else Status.WATCH


def passed(verdicts: Sequence[Judged]) -> bool:
    """Whether nothing blocks. No verdict at all is not a pass."""
    return bool(verdicts) and not any(verdict.blocks for verdict in verdicts)


def _verdicts(measured: Measured, check: Check) -> Iterator[Verdict]:
    if check.name == "adverse_impact":
        yield from _adverse_impact(measured, check)
        return
    try:
        reading = _reading(measured, check)
    except NotMeasurable as problem:
        reading = Reading(None, measured.holdout_rows, note=problem.detail)
    yield _verdict(check, reading)


def _reading(measured: Measured, check: Check) -> Reading:
    if check.name == "elderly_age":
        return elderly_age(measured, check.from_age)
    if check.name == "documents_complete":
        return documents_complete(measured, check.kinds, check.approved)
    return READINGS[check.name](measured)


def _verdict(check: Check, reading: Reading, subject: str = "") -> Verdict:
    value, interval = reading.value, reading.interval
    if not reading.applies:
        status, why = Status.PASS, reading.note
    elif value is None:
        status, why = Status.INSUFFICIENT_DATA, reading.note
    elif check.admits(value):
        status, why = Status.PASS, reading.note or f"{value:.4g} is {check.threshold}."
    else:
        status = missed(check)
        why = reading.note or f"{value:.4g} is not {check.threshold}."
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Verdict(
        check.name, subject, status, value, low, high, reading.n, check.threshold, check.severity, check.reason, why,
        reading.details, check.policy_threshold, check.exception,
    )  # fmt: skip


def _adverse_impact(measured: Measured, check: Check) -> Iterator[Verdict]:
    """One verdict per group of every declared attribute, all compared together."""
    rows = measured.rows_of(check.sample)
    groups = {
        attribute: {label: mask[rows] for label, mask in masks.items()}
        for attribute, masks in measured.groups.items()
    }
    if not groups:
        note = "No groups are declared to be compared."
        yield _verdict(check, Reading(None, int(rows.sum()), note=note))
    comparable = {}
    for attribute, masks in groups.items():
        control = measured.controls[attribute]
        if masks[control].any():
            comparable[attribute] = masks
        else:
            note = f"Nobody is known to belong to the control group {control!r}."
            yield _verdict(check, Reading(None, int(rows.sum()), note=note), subject=attribute)
    if comparable:
        yield from _compared(measured, check, rows, comparable)


def _compared(
    measured: Measured, check: Check, rows: Bools, groups: Mapping[str, Mapping[str, Bools]]
) -> Iterator[Verdict]:
    limits = Limits(breach=check.minimum or 0.0, watch=check.watch)
    found = adverse_impact_by_attribute(measured.approved[rows], groups, measured.controls, limits)
    for attribute, results in found.items():
        control = measured.controls[attribute]
        for result in results:
            if result.state is not State.REFERENCE:
                yield _group_verdict(
                    check, f"{attribute}: {result.group} against {control}", result
                )


def _group_verdict(check: Check, subject: str, result: GroupResult) -> Verdict:
    statuses = {
        State.PASS: Status.PASS,
        State.WATCH: Status.WATCH,
        State.BREACH: missed(check),
    }
    # A group too small to show stays without its numbers: they could single people out.
    interval = result.air_interval if result.shown else None
    return Verdict(
        check=check.name,
        subject=subject,
        status=statuses.get(result.state, Status.INSUFFICIENT_DATA),
        value=result.air if result.shown else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        n=result.n if result.shown else 0,
        threshold=check.threshold,
        severity=check.severity,
        reason=check.reason,
        why=result.reason,
        policy_threshold=check.policy_threshold,
        exception=check.exception,
    )

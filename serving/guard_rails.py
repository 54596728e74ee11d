"""When a step of a rollout ends by itself: what its version does beside the champion, against limits that people approved.

Both decide applications of the same hours, told apart by a hash of their reference alone, so that whatever differs is
theirs. A measure breaches where it lies beyond its limit and beyond what chance does; too few cases breach nothing. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from registry.measures.statistics import (
    Interval,
    median_interval,
    newcombe,
    paired_difference,
    psi,
    psi_by_chance,
    wilson,
)

Floats = NDArray[np.float64]
NO_REASON = ""


class State(StrEnum):
    WITHIN = "within"
    INSUFFICIENT = "insufficient evidence"
    BREACH = "breach"


@dataclass(frozen=True)
class GuardRails:
    """The part `rollout` of a serving policy. Percent and points are of 100; the window ends now."""

    evaluate_minutes: int
    window_minutes: int
    least_decisions: int
    most_errors_percent: float
    most_latency_ratio: float
    approval_rate_points: float
    reason_mix_psi: float

    @classmethod
    def from_part(cls, part: Mapping[str, Any]) -> Self:
        return cls(**part)


@dataclass(frozen=True)
class Arm:
    """What one version did in the window.

    failed: times that it could not load, add up or say why. first_reasons: those not approved, by the group of their
    first reason. judge_us: (m,) microseconds of those judged one by one.
    """

    decided: int
    failed: int
    approved: int
    first_reasons: Mapping[str, int]
    judge_us: Floats

    @property
    def approval_rate(self) -> float | None:
        return self.approved / self.decided if self.decided else None


@dataclass(frozen=True)
class Flips:
    """Of n applications that both judged: how many only the one beside the champion approves, and only the champion."""

    n: int
    newly_approved: int
    newly_declined: int

    @property
    def agreement(self) -> float | None:
        return 1 - (self.newly_approved + self.newly_declined) / self.n if self.n else None


@dataclass(frozen=True)
class Reading:
    """One measure. limit, value and interval (95 %) are in `unit`, None where there is none or too few cases carry it.

    n cases of the version stand against n_champion of the champion, or of another reference that `detail` names.
    """

    measure: str
    unit: str
    state: State
    limit: float | None
    n: int
    n_champion: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    detail: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.measure}: {self.state}" + (f" ({self.detail})" if self.detail else "")
        beside = self.detail or "of the champion"
        return (
            f"{self.measure} {self.value:.3g} {self.unit} ({self.low:.3g} to {self.high:.3g}; limit {self.limit:g}; "
            f"{self.n:,} against {self.n_champion:,} {beside})"
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_all(arm: Arm, champion: Arm, flips: Flips | None, limits: GuardRails) -> list[Reading]:
    """Every measure of one step. `flips` of a version in the shadow, which has no latency that anybody waits for."""
    readings = [errors(arm, champion, limits)]
    if flips is None:
        readings.append(latency(arm, champion, limits))
        readings.append(approval_rate(arm, champion, limits))
    else:
        readings.append(approval_flips(flips, limits))
    return [*readings, reason_mix(arm, champion, limits)]


def state_of(readings: Sequence[Reading]) -> State:
    """One breach is a breach; a step is within its guard rails where some measure says so and none breaches."""
    states = {reading.state for reading in readings}
    for state in (State.BREACH, State.WITHIN):
        if state in states:
            return state
    return State.INSUFFICIENT


def errors(arm: Arm, champion: Arm, limits: GuardRails) -> Reading:
    """Percent of applications that the version could not decide; every one is a fault, so chance is no excuse."""
    n = arm.decided + arm.failed
    judged = _Judged(
        "errors", "%", limits.most_errors_percent, n, champion.decided + champion.failed
    )
    if n < limits.least_decisions:
        return judged.insufficient()
    value, interval = 100 * arm.failed / n, wilson(arm.failed, n)
    return judged.read(
        value, Interval(100 * interval.low, 100 * interval.high), value > limits.most_errors_percent
    )


def latency(arm: Arm, champion: Arm, limits: GuardRails) -> Reading:
    """Median time to judge one application over the champion's. The interval's ends are those of both medians' at their worst."""
    n, m = arm.judge_us.size, champion.judge_us.size
    judged = _Judged("latency", "times", limits.most_latency_ratio, n, m)
    if min(n, m) < limits.least_decisions:
        return judged.insufficient()
    own, other = median_interval(arm.judge_us), median_interval(champion.judge_us)
    ratio = float(np.median(arm.judge_us) / np.median(champion.judge_us))
    interval = Interval(own.low / other.high, own.high / other.low)
    return judged.read(ratio, interval, ratio > limits.most_latency_ratio and interval.low > 1)


def approval_rate(arm: Arm, champion: Arm, limits: GuardRails) -> Reading:
    """Points of approval rate above the champion's, of two sets of applications."""
    judged = _Judged(
        "approval rate", "points", limits.approval_rate_points, arm.decided, champion.decided
    )
    if min(arm.decided, champion.decided) < limits.least_decisions:
        return judged.insufficient()
    counts = (arm.approved, arm.decided, champion.approved, champion.decided)
    value = arm.approved / arm.decided - champion.approved / champion.decided
    return judged.read_difference(value, newcombe(*counts))


def approval_flips(flips: Flips, limits: GuardRails) -> Reading:
    """The same of the same applications, judged by both."""
    judged = _Judged("approval rate", "points", limits.approval_rate_points, flips.n, flips.n)
    if flips.n < limits.least_decisions:
        return judged.insufficient()
    gained, lost = flips.newly_approved, flips.newly_declined
    return judged.read_difference(
        (gained - lost) / flips.n, paired_difference(gained, lost, flips.n)
    )


def reason_mix(arm: Arm, champion: Arm, limits: GuardRails) -> Reading:
    """Stability index of first reasons against the champion's, of those not approved.

    Two samples of one population differ too: what chance does is taken off the lower end.
    """
    n, m = sum(arm.first_reasons.values()), sum(champion.first_reasons.values())
    judged = _Judged("reason mix", "PSI", limits.reason_mix_psi, n, m)
    if min(n, m) < limits.least_decisions:
        return judged.insufficient()
    groups = sorted({*arm.first_reasons, *champion.first_reasons})
    value = psi(_shares(champion.first_reasons, groups), _shares(arm.first_reasons, groups))
    chance = psi_by_chance(len(groups), m, n) if len(groups) > 1 else 0.0
    interval = Interval(max(0.0, value - chance), value + chance)
    return judged.read(value, interval, value > limits.reason_mix_psi and value > chance)


@dataclass(frozen=True)
class _Judged:
    measure: str
    unit: str
    limit: float
    n: int
    n_champion: int

    def insufficient(self) -> Reading:
        return Reading(
            self.measure, self.unit, State.INSUFFICIENT, self.limit, self.n, self.n_champion
        )

    def read(self, value: float, interval: Interval, is_breach: bool) -> Reading:
        return Reading(
            self.measure, self.unit, State.BREACH if is_breach else State.WITHIN, self.limit, self.n, self.n_champion,
            value, interval.low, interval.high,
        )  # fmt: skip

    def read_difference(self, share: float, interval: Interval) -> Reading:
        """A difference of two shares, as points: beyond the limit to either side, and not by chance."""
        points = Interval(100 * interval.low, 100 * interval.high)
        return self.read(
            100 * share, points, abs(100 * share) > self.limit and not points.contains(0.0)
        )


def _shares(counts: Mapping[str, int], groups: Sequence[str]) -> Floats:
    found = np.array([counts.get(group, 0) for group in groups], dtype=np.float64)
    shares: Floats = found / found.sum()
    return shares

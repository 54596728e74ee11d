"""Whether the reasons that applicants were given are true, as numbers of a window. Pure.

What is tried, and how, says `serving.reason_trials`: reasons count where they are faithful, and agree across baselines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.measured import SMALLEST_COUNT_TOLD
from monitoring.policy import ReasonLimits
from monitoring.triggers import Finding, Severity, Trigger
from registry.measures.statistics import Interval, wilson

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ALL = "(all)"


@dataclass(frozen=True)
class TriedReasons:
    """`n` applicants whose reasons were tried, under the name of what they share.

    `faithful` is the share of those whose outcome the reasons explain, with its 95 % interval (Wilson); `agreement` the
    mean across baselines. Both 0 to 1, None of nobody, or where the group is too small to show.
    """

    name: str
    n: int | None
    faithful: float | None
    faithful_interval: Interval | None
    agreement: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ReasonsMeasured:
    """Declines by score of one window, of which some were tried: all of these, and by their first reason.

    `sufficient` says whether enough were tried for a verdict.
    """

    n_declined: int
    sufficient: bool
    overall: TriedReasons
    by_first_reason: tuple[TriedReasons, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """At most `most` places of n, in order, evenly from the first to the last."""
    if n <= most:
        return np.arange(n)
    return np.linspace(0, n - 1, most).round().astype(np.int64)


def measure_reasons(
    n_declined: int,
    first_reasons: Sequence[str],
    faithful: Bools,
    agreement: Floats,
    limits: ReasonLimits,
) -> ReasonsMeasured:
    """Of `n_declined` declines t were tried: their first reasons, `faithful` (t,) and `agreement` (t,) 0 to 1."""
    first = np.array(first_reasons, dtype=object)
    return ReasonsMeasured(
        n_declined=n_declined,
        sufficient=faithful.size >= limits.minimum_declined,
        overall=_tried(ALL, faithful, agreement),
        by_first_reason=tuple(
            _tried(name, faithful[first == name], agreement[first == name])
            for name in sorted(set(first_reasons))
        ),
    )


def by_group(
    members: Mapping[str, Mapping[str, Bools]],
    faithful: Bools,
    agreement: Floats,
    minimum_shown: int,
) -> dict[str, list[TriedReasons]]:
    """By protected attribute, each group of the t people who were tried; members (t,) by attribute and group.

    A group of fewer than `minimum_shown` is named without its numbers: they could single people out.
    """
    return {
        attribute: [
            _tried(group, faithful[mask], agreement[mask])
            if mask.sum() >= minimum_shown
            else _hidden(group, int(mask.sum()))
            for group, mask in groups.items()
        ]
        for attribute, groups in members.items()
    }


def reason_findings(measured: ReasonsMeasured, limits: ReasonLimits) -> Iterator[Finding]:
    """Limits that the reasons of enough applicants miss."""
    if not measured.sufficient:
        return
    overall = measured.overall
    for trigger, observed, limit in (
        (Trigger.REASON_FAITHFULNESS, overall.faithful, limits.faithful_breach),
        (Trigger.REASON_STABILITY, overall.agreement, limits.agreement_breach),
    ):
        if observed is not None and observed < limit:
            yield Finding(trigger, ALL, observed, limit, Severity.BREACH)


def _tried(name: str, faithful: Bools, agreement: Floats) -> TriedReasons:
    n, kept = faithful.size, int(faithful.sum())
    if not n:
        return TriedReasons(name, 0, None, None, None)
    return TriedReasons(name, n, kept / n, wilson(kept, n), float(agreement.mean()))


def _hidden(name: str, n: int) -> TriedReasons:
    return TriedReasons(name, n if n >= SMALLEST_COUNT_TOLD else None, None, None, None)

"""Do outcomes differ between groups, by how much, and can the numbers carry that statement?

Definitions are those of DOMAIN.md 2.3 and 2.4. Favourable = approved. The groups of one attribute
come as a mapping from a group's name to its members, n booleans (groups may overlap), or as n texts,
where None and an empty text mean that the attribute of that person is not known. Such a person is
left out of the comparison: report coverage beside it. Nothing here says "fair": a state is a
threshold's answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from registry.measures.errors import NotMeasurable
from registry.measures.inputs import Bools, Groups, booleans, membership
from registry.measures.statistics import Interval, holm, katz, two_proportions, wilson


class State(StrEnum):
    """What a policy's thresholds say about one group. `reference` marks the control group itself."""

    PASS = "pass"
    WATCH = "watch"
    BREACH = "breach"
    INSUFFICIENT_DATA = "insufficient_data"
    REFERENCE = "reference"


@dataclass(frozen=True)
class Limits:
    """The limits of a policy in force. `breach` and `watch` are adverse impact ratios (0.80 and 0.90).

    `minimum_cell` approvals and as many denials among `minimum_shown` people are needed to show a
    group's rate, and `minimum_verdict` people for a verdict.
    """

    breach: float
    watch: float
    minimum_shown: int = 30
    minimum_cell: int = 5
    minimum_verdict: int = 100
    significance: float = 0.05


@dataclass(frozen=True)
class GroupResult:
    """One group against the control group.

    `rate` is approvals / n. `air` is the group's rate over the control's, `marginal_effect` the
    control's rate minus the group's, `shortfall` that many approvals times n. `z` is the pooled
    two-proportion statistic (negative: the group is approved less often), `p_value` its two-sided p,
    or Fisher's where an expected cell is below 5 (`test` says which), `p_adjusted` the same after
    Holm over all groups compared. `conclusive` is true where the whole interval of `air` lies below
    the breach limit. Numbers of a group with `shown` false are for gates, not for print.
    """

    group: str
    n: int
    approvals: int
    rate: float
    rate_interval: Interval
    air: float | None
    air_interval: Interval | None
    marginal_effect: float
    shortfall: float
    z: float | None
    test: str
    p_value: float | None
    p_adjusted: float | None
    shown: bool
    conclusive: bool
    state: State
    reason: str

    def as_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


def adverse_impact(
    approved: ArrayLike,
    groups: Groups,
    control: str,
    *,
    breach: float,
    watch: float,
    minimum_shown: int = 30,
    minimum_cell: int = 5,
    minimum_verdict: int = 100,
    significance: float = 0.05,
) -> list[GroupResult]:
    """Compare every group of one attribute with `control`; the control comes first, the rest by name.

    `approved` holds n booleans. Raises NotMeasurable where the arrays are unfit or
    nobody belongs to the control group. See `_judged` for the rule that makes a state.
    """
    limits = Limits(breach, watch, minimum_shown, minimum_cell, minimum_verdict, significance)
    return adverse_impact_by_attribute(approved, {"": groups}, {"": control}, limits)[""]


def adverse_impact_by_attribute(
    approved: ArrayLike,
    groups: Mapping[str, Groups],
    controls: Mapping[str, str],
    limits: Limits,
) -> dict[str, list[GroupResult]]:
    """`adverse_impact` for several attributes at once, with one Holm adjustment over all of them.

    That family, every group of every declared attribute, is the primary set of a fairness report.
    """
    outcome = booleans(approved)
    compared = {
        attribute: _compared(outcome, membership(values, outcome.size), controls[attribute], limits)
        for attribute, values in groups.items()
    }
    family = [result for results in compared.values() for result in results]
    adjusted = iter(holm([result.p_value for result in family]))
    return {
        attribute: [
            _judged(replace(result, p_adjusted=next(adjusted)), results[0], limits)
            for result in results
        ]
        for attribute, results in compared.items()
    }


def worst(results: Sequence[GroupResult]) -> State:
    """The state that deserves attention first; an attribute with no comparable group has none to show."""
    order = (State.BREACH, State.WATCH, State.INSUFFICIENT_DATA, State.PASS)
    states = {result.state for result in results}
    return next((state for state in order if state in states), State.INSUFFICIENT_DATA)


@dataclass(frozen=True)
class OpportunityGap:
    """Share of one group's good accounts that were approved, against the control group's.

    `gap` is the group's share minus the control's (negative: fewer of its goods are approved).
    Goods are known for approved accounts mostly, so this describes a *selected sample*.
    """

    group: str
    n_good: int
    approved_share: float
    approved_share_interval: Interval
    gap: float
    p_value: float | None
    shown: bool

    def as_json(self) -> dict[str, object]:
        """The same as plain values."""
        return asdict(self)


def equal_opportunity(
    approved: ArrayLike, bad: ArrayLike, groups: Groups, control: str, limits: Limits
) -> list[OpportunityGap]:
    """P(approved | good) of every group against `control`; `bad` is 0, 1 or NaN where not known.

    Raises NotMeasurable where the arrays are unfit or the control group has no known good account.
    """
    outcome = booleans(approved)
    label = np.asarray(bad, dtype=np.float64)
    if label.shape != outcome.shape:
        raise NotMeasurable(
            f"{label.shape} labels for {outcome.size} decisions: one of each is needed."
        )
    good = label == 0.0
    if not good.any():
        raise NotMeasurable("No account is known to be good.")
    members = {name: mask[good] for name, mask in membership(groups, outcome.size).items()}
    rows = _compared(outcome[good], members, control, limits)
    return [
        OpportunityGap(
            group=row.group,
            n_good=row.n,
            approved_share=row.rate,
            approved_share_interval=row.rate_interval,
            gap=-row.marginal_effect,
            p_value=row.p_value,
            shown=row.shown,
        )
        for row in rows
    ]


def standardised_mean_differences(
    values: ArrayLike, groups: Groups, control: str
) -> dict[str, float]:
    """(mean of group - mean of control) / sigma for every group but the control.

    sigma is the population standard deviation of everybody whose group is known, so that all groups
    share one ruler. Positive: the group's values are higher. Raises NotMeasurable where the arrays
    are unfit, all values are equal or the control group is empty.
    """
    value = np.asarray(values, dtype=np.float64)
    if value.ndim != 1 or not np.isfinite(value).all():
        raise NotMeasurable("A value is missing or not finite.")
    members = membership(groups, value.size)
    if not (control in members and members[control].any()):
        raise NotMeasurable(f"Nobody belongs to the control group {control!r}.")
    sigma = float(value[np.logical_or.reduce(list(members.values()))].std())
    if sigma == 0.0:
        raise NotMeasurable("All values are equal, so a difference has no scale.")
    reference = float(value[members[control]].mean())
    return {
        name: (float(value[members[name]].mean()) - reference) / sigma
        for name in sorted(members)
        if name != control and members[name].any()
    }


def _compared(
    approved: Bools, members: Mapping[str, Bools], control: str, limits: Limits
) -> list[GroupResult]:
    table = {
        name: (int(approved[mask].sum()), int(mask.sum()))
        for name, mask in sorted(members.items())
        if mask.any()
    }
    if control not in table:
        raise NotMeasurable(f"Nobody belongs to the control group {control!r}.")
    reference = table.pop(control)
    return [
        _row(name, *counted, *reference, is_control=name == control, limits=limits)
        for name, counted in [(control, reference), *table.items()]
    ]


def _row(
    name: str, a: int, n: int, b: int, n_control: int, *, is_control: bool, limits: Limits
) -> GroupResult:
    """One group before it is judged: a approved of n, against b of n_control."""
    z, p_value, test = two_proportions(a, n, b, n_control)
    gap = b / n_control - a / n
    return GroupResult(
        group=name,
        n=n,
        approvals=a,
        rate=a / n,
        rate_interval=wilson(a, n),
        air=(a / n) / (b / n_control) if b else None,
        air_interval=None
        if is_control or (a == n and b == n_control)
        else katz(a, n, b, n_control),
        marginal_effect=gap,
        shortfall=gap * n,
        z=None if is_control else z,
        test="none" if is_control else test,
        p_value=None if is_control else p_value,
        p_adjusted=None,
        # A ratio beside a group's own rate gives the control's away.
        shown=_is_shown(a, n, limits) and _is_shown(b, n_control, limits),
        conclusive=False,
        state=State.REFERENCE if is_control else State.INSUFFICIENT_DATA,
        reason="Control group." if is_control else "",
    )


def _is_shown(approvals: int, n: int, limits: Limits) -> bool:
    return n >= limits.minimum_shown and min(approvals, n - approvals) >= limits.minimum_cell


def _judged(result: GroupResult, control: GroupResult, limits: Limits) -> GroupResult:
    """Give a state by numbered rules; the first that applies holds.

    1. A group, or its control, too small to show or to judge is `insufficient_data`.
    2. Below the breach limit *and* different from parity at the significance level after Holm:
       `breach`. Practical and statistical significance are both required (DOMAIN.md 2.4). The
       interval need not lie below the limit as a whole; `conclusive` says whether it does.
    3. Below the watch limit otherwise: `watch`.
    4. The interval reaches below the breach limit: `insufficient_data`, because a pass is never
       given by numbers that could not have shown a breach.
    5. `pass`.
    """
    if result.state == State.REFERENCE:
        return result
    small = _too_small(result, limits) or _too_small(control, limits)
    if small or result.air is None or result.air_interval is None or result.p_adjusted is None:
        return replace(result, reason=small or "Nobody in the control group was approved.")
    conclusive = result.air_interval.high < limits.breach
    state, reason = _verdict(result.air, result.air_interval, result.p_adjusted, limits)
    return replace(result, state=state, reason=reason, conclusive=conclusive)


def _too_small(result: GroupResult, limits: Limits) -> str:
    """Why this group carries no verdict, or an empty text. Counts below the limits are not told."""
    if result.n < limits.minimum_verdict:
        return f"{result.group}: fewer than {limits.minimum_verdict} people, too few for a verdict."
    if min(result.approvals, result.n - result.approvals) < limits.minimum_cell:
        return (
            f"{result.group}: fewer than {limits.minimum_cell} approvals or denials. "
            "Look at these applications one by one."
        )
    return ""


def _verdict(
    air: float, interval: Interval, p_adjusted: float, limits: Limits
) -> tuple[State, str]:
    span = f"{interval.low:.3f} to {interval.high:.3f}"
    if air < limits.breach and p_adjusted < limits.significance:
        whole = (
            "as is its whole interval" if interval.high < limits.breach else "its interval is not"
        )
        return State.BREACH, f"{air:.3f} ({span}) is below {limits.breach:.2f}, {whole}."
    if air < limits.breach:
        return (
            State.WATCH,
            f"{air:.3f} ({span}) is below {limits.breach:.2f}; chance is not ruled out.",
        )
    if air < limits.watch:
        return State.WATCH, f"{air:.3f} ({span}) is below {limits.watch:.2f}."
    if interval.low < limits.breach:
        return (
            State.INSUFFICIENT_DATA,
            f"{air:.3f}, but its interval ({span}) reaches below {limits.breach:.2f}.",
        )
    return State.PASS, f"{air:.3f} ({span}) is at or above {limits.watch:.2f}."

"""What is measured for a report, as numbers, before words and pictures are made of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitoring.drift import Column, ColumnDrift, MeanShift, column_drift, columns_drift, mean_shift
from monitoring.policy import DriftLimits, PerformanceLimits
from monitoring.triggers import SCORE
from registry.measures.calibration import Calibration, calibration
from registry.measures.errors import NotMeasurable
from registry.measures.fairness import (
    GroupResult,
    Limits,
    OpportunityGap,
    adverse_impact_by_attribute,
    equal_opportunity,
    standardised_mean_differences,
)
from registry.measures.performance import Performance, accuracy_at, performance

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SMALLEST_COUNT_TOLD = 10
"""Below this, how many people are in a group that is not shown is not told either."""


@dataclass(frozen=True)
class DriftMeasured:
    """A window against the reference. The first column is the score; `sufficient` says whether enough was decided."""

    n: int
    sufficient: bool
    columns: tuple[ColumnDrift, ...]
    shift: MeanShift

    @property
    def score(self) -> ColumnDrift:
        return self.columns[0]

    @property
    def features(self) -> tuple[ColumnDrift, ...]:
        return self.columns[1:]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """The groups of every attribute in one set of people, compared with their control groups.

    `headline`: whether the summary of a report speaks of it. `selected`: whether labels are known mostly for those who were approved. `n` people, of whom `known` have the attribute. `impossible` says why an attribute cannot be
    compared. `mean_differences` are of pd in standard deviations; positive: the group scores riskier.
    """

    title: str
    headline: bool
    selected: bool
    n: int
    known: Mapping[str, int]
    groups: Mapping[str, Sequence[GroupResult]]
    mean_differences: Mapping[str, Mapping[str, float]]
    opportunity: Mapping[str, Sequence[OpportunityGap]]
    impossible: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The numbers, without those of groups too small to show."""
        return {
            "title": self.title,
            "selected_sample": self.selected,
            "n": self.n,
            "known": dict(self.known),
            "groups": {
                name: [_shown(result) for result in found] for name, found in self.groups.items()
            },
            "mean_differences": {
                name: {
                    group: value
                    for group, value in found.items()
                    if _is_shown(self.groups[name], group)
                }
                for name, found in self.mean_differences.items()
            },
            "opportunity": {
                name: [gap.as_json() for gap in gaps if gap.shown]
                for name, gaps in self.opportunity.items()
            },
            "impossible": dict(self.impossible),
        }


@dataclass(frozen=True)
class Coverage:
    """Of the decisions with one outcome, how many have a label, and how many a final one."""

    outcome: str
    decided: int
    labelled: int
    matured: int


@dataclass(frozen=True)
class PerformanceMeasured:
    """A window's matured labels against its predictions.

    The measures are None where the matured labels cannot carry them, and `note` says why.
    """

    coverage: tuple[Coverage, ...]
    n_matured: int
    sufficient: bool
    accuracy: float | None
    performance: Performance | None
    calibration: Calibration | None
    note: str

    @property
    def n(self) -> int:
        return sum(row.decided for row in self.coverage)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_drift(
    columns: Sequence[Column],
    reference: Floats,
    reference_pd: Floats,
    current: Floats,
    current_pd: Floats,
    limits: DriftLimits,
) -> DriftMeasured:
    """Compare (n, k) live features and (n,) live pd with their references of (m, k) and (l,)."""
    score = column_drift(Column(SCORE), reference_pd, current_pd, limits.bins)
    return DriftMeasured(
        n=current_pd.size,
        sufficient=current_pd.size >= limits.minimum_current,
        columns=(score, *columns_drift(columns, reference, current, limits.bins)),
        shift=mean_shift(reference_pd, current_pd),
    )


def compare_groups(
    title: str,
    approved: Bools,
    pd: Floats,
    bad: Floats,
    members: Mapping[str, Mapping[str, Bools]],
    controls: Mapping[str, str],
    limits: Limits,
    *,
    headline: bool,
    selected: bool,
) -> Comparison:
    """Compare n people by every attribute; `bad` is 0, 1 or NaN where not known.

    `headline` says that a report's summary speaks of them, `selected` that labels are known mostly for
    those who were approved.
    """
    impossible = {
        name: f"Nobody is known to belong to the control group {controls[name]!r}."
        for name, groups in members.items()
        if not groups[controls[name]].any()
    }
    comparable = {name: groups for name, groups in members.items() if name not in impossible}
    found = (
        adverse_impact_by_attribute(approved, comparable, controls, limits) if comparable else {}
    )
    return Comparison(
        title=title,
        headline=headline,
        selected=selected,
        n=approved.size,
        known={
            name: int(np.logical_or.reduce(list(groups.values())).sum())
            for name, groups in members.items()
        },
        groups=found,
        mean_differences={
            name: _mean_differences(pd, groups, controls[name])
            for name, groups in comparable.items()
        },
        opportunity={
            name: _opportunity(approved, bad, groups, controls[name], limits)
            for name, groups in comparable.items()
        },
        impossible=impossible,
    )


def measure_performance(
    outcomes: NDArray[np.object_],
    bad: Floats,
    matured: Bools,
    pd: Floats,
    cut_off: float,
    limits: PerformanceLimits,
) -> PerformanceMeasured:
    """Compare n predictions with their labels, counting matured ones only: an immature good may turn bad."""
    known = ~np.isnan(bad)
    final = matured & known
    coverage = tuple(
        Coverage(
            outcome=str(outcome),
            decided=int((outcomes == outcome).sum()),
            labelled=int((known & (outcomes == outcome)).sum()),
            matured=int((final & (outcomes == outcome)).sum()),
        )
        for outcome in sorted(set(outcomes.tolist()))
    )
    n_matured = int(final.sum())
    sufficient = n_matured >= limits.minimum_matured
    try:
        return PerformanceMeasured(
            coverage,
            n_matured,
            sufficient,
            accuracy_at(bad[final], pd[final], cut_off),
            performance(bad[final], pd[final]),
            calibration(bad[final], pd[final]),
            "",
        )
    except NotMeasurable as problem:
        return PerformanceMeasured(coverage, n_matured, False, None, None, None, problem.detail)


def _mean_differences(pd: Floats, groups: Mapping[str, Bools], control: str) -> dict[str, float]:
    try:
        return standardised_mean_differences(pd, groups, control)
    except NotMeasurable:  # everybody has the same pd: no scale, and no difference
        return {}


def _opportunity(
    approved: Bools, bad: Floats, groups: Mapping[str, Bools], control: str, limits: Limits
) -> list[OpportunityGap]:
    try:
        return equal_opportunity(approved, bad, groups, control, limits)
    except NotMeasurable:  # no label yet, or none of the control group
        return []


def _is_shown(results: Sequence[GroupResult], group: str) -> bool:
    return any(result.group == group and result.shown for result in results)


def _shown(result: GroupResult) -> dict[str, Any]:
    plain = result.as_json()
    if result.shown:
        return plain
    told = {"group", "state", "reason", "shown"}
    hidden: dict[str, Any] = {key: plain[key] if key in told else None for key in plain}
    if result.n >= SMALLEST_COUNT_TOLD:
        hidden["n"] = result.n
    return hidden

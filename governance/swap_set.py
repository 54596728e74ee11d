"""Two versions on the same applicants: who would be decided otherwise, and whom that concerns. Pure.

n applicants, each approved or not by the champion and by the candidate. Groups too small to show keep their
numbers to themselves by the rule of `registry.measures.fairness`, under either version.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from governance.measured import Bools, Floats
from registry.contract import FeatureContract
from registry.features import Feature
from registry.measures.fairness import GroupResult, Limits, adverse_impact_by_attribute
from registry.measures.statistics import Z_95, Interval

AMOUNT_GROUP = "loan_amount"
"""The reason group that declares a number among the features to be the amount asked for."""
BANDS = 4
"""Amounts are told apart by quartiles of the applicants compared (our choice: as many in each band)."""


@dataclass(frozen=True)
class Flips:
    """n applicants, how many of them only the candidate approves, and how many only the champion."""

    n: int
    newly_approved: int
    newly_declined: int


@dataclass(frozen=True)
class Band:
    """Applicants who ask for `low` up to `high`, both inclusive; None where the amount is not known."""

    low: float | None
    high: float | None
    flips: Flips


@dataclass(frozen=True)
class Reason:
    """How many of the newly declined have this reason group first. Empty: nothing weighed against them."""

    reason_group: str
    n: int


@dataclass(frozen=True)
class GroupFlips:
    """One group of an attribute under both versions; numbers None where it is too small to show.

    Adverse impact ratios are approval rates over the control group's. `difference` is the candidate's ratio minus the
    champion's on the same people (negative: the group falls further behind), with its 95 % interval.
    """

    attribute: str
    group: str
    is_control: bool
    flips: Flips | None
    champion_air: float | None
    champion_interval: Interval | None
    candidate_air: float | None
    candidate_interval: Interval | None
    difference: float | None
    difference_interval: Interval | None

    @property
    def shown(self) -> bool:
        return self.flips is not None


def flips(champion: Bools, candidate: Bools) -> Flips:
    """Of whom each approves: two (n,)."""
    return Flips(
        champion.size, int((~champion & candidate).sum()), int((champion & ~candidate).sum())
    )


def amount_feature(contract: FeatureContract) -> Feature | None:
    """The number that the contract declares to be the amount asked for; None where there is none, or more than one."""
    found = [
        feature
        for feature in contract.features
        if feature.reason_group == AMOUNT_GROUP and feature.type in ("number", "integer")
    ]
    return found[0] if len(found) == 1 else None


def by_amount(champion: Bools, candidate: Bools, amounts: Floats) -> list[Band]:
    """Bands of equal size over amounts (n,), NaN where not known, the smallest first; equal amounts share a band."""
    known = ~np.isnan(amounts)
    bands = []
    if known.any():
        inner = np.quantile(amounts[known], np.linspace(0, 1, BANDS + 1)[1:-1])
        places = np.where(known, np.searchsorted(inner, amounts), -1)
        for place in np.unique(places[known]):
            rows = places == place
            each = flips(champion[rows], candidate[rows])
            bands.append(Band(float(amounts[rows].min()), float(amounts[rows].max()), each))
    if not known.all():
        bands.append(Band(None, None, flips(champion[~known], candidate[~known])))
    return bands


def by_reason(first_reasons: Sequence[str]) -> list[Reason]:
    """Of the first reason group of each newly declined applicant, the commonest first."""
    counted = Counter(first_reasons)
    return [Reason(group, n) for group, n in sorted(counted.items(), key=lambda each: (-each[1], each[0]))]  # fmt: skip


def by_group(
    champion: Bools,
    candidate: Bools,
    groups: Mapping[str, Mapping[str, Bools]],
    controls: Mapping[str, str],
    limits: Limits,
) -> list[GroupFlips]:
    """Members (n,) by attribute and group. An attribute whose control group is empty compares nobody and is left out."""
    comparable = {
        attribute: members
        for attribute, members in groups.items()
        if members[controls[attribute]].any()
    }
    if not comparable:
        return []
    then = adverse_impact_by_attribute(champion, comparable, controls, limits)
    now = adverse_impact_by_attribute(candidate, comparable, controls, limits)
    return [
        _group_flips(attribute, before, after, champion, candidate, comparable[attribute], controls)
        for attribute in comparable
        for before, after in zip(then[attribute], now[attribute], strict=True)
    ]


def ratio_difference(
    champion: Bools, candidate: Bools, group: Bools, control: Bools
) -> tuple[float, Interval] | None:
    """The candidate's adverse impact ratio minus the champion's, with a 95 % interval that knows they share people.

    All (n,). By the delta method: each person's weight in both ratios is taken together, so that people whom both
    versions decide alike add little. None where a version approves nobody of the control group, or a group is empty.
    Source: Casella and Berger (2002), section 5.5.4.
    """
    if not (group.any() and control.any()):
        return None
    rates = [(float(by[group].mean()), float(by[control].mean())) for by in (champion, candidate)]
    if any(of_control == 0 for _, of_control in rates):
        return None
    ratios = [of_group / of_control for of_group, of_control in rates]
    weights = [
        group * (by - of_group) / (group.sum() * of_control)
        - control * (by - of_control) * ratio / (control.sum() * of_control)
        for by, (of_group, of_control), ratio in zip(
            (champion, candidate), rates, ratios, strict=True
        )
    ]
    difference = ratios[1] - ratios[0]
    reach = Z_95 * sqrt(float(((weights[1] - weights[0]) ** 2).sum()))
    return difference, Interval(difference - reach, difference + reach)


def _group_flips(
    attribute: str,
    before: GroupResult,
    after: GroupResult,
    champion: Bools,
    candidate: Bools,
    members: Mapping[str, Bools],
    controls: Mapping[str, str],
) -> GroupFlips:
    is_control = before.group == controls[attribute]
    if not (before.shown and after.shown):
        return GroupFlips(attribute, before.group, is_control, *[None] * 7)
    mine, control = members[before.group], members[controls[attribute]]
    changed = None if is_control else ratio_difference(champion, candidate, mine, control)
    return GroupFlips(
        attribute=attribute,
        group=before.group,
        is_control=is_control,
        flips=flips(champion[mine], candidate[mine]),
        champion_air=before.air,
        champion_interval=before.air_interval,
        candidate_air=after.air,
        candidate_interval=after.air_interval,
        difference=changed[0] if changed else None,
        difference_interval=changed[1] if changed else None,
    )

"""Principal reasons: what weighed most against an applicant, in words that name the real factor.

Attributions are against approved applicants just above the cut-off, so a positive sum of a reason
group says how far it pushed the applicant below them (Reg B 1002.9(b)(2), comment 5, method A).
Key factors of a credit score (FCRA 609(f), 615(a)) are another list, for another duty: neither fills the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.contract import FeatureContract
from registry.reason_library import ReasonLibrary
from serving.policy import KnockoutRule

Floats = NDArray[np.float64]
MOST_KEY_FACTORS = 4
"""Of a credit score; inquiries beyond them are a fifth (FCRA 609(f)(1)(C) and (9))."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One principal reason. `contribution` is in log-odds of bad, None for a knock-out rule, which
    declines without weighing, and for a person, who weighs without numbers."""

    rank: int
    code: str
    reason_group: str
    statement: str
    contribution: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "code": self.code,
            "reason_group": self.reason_group,
            "statement": self.statement,
            "contribution": self.contribution,
        }


@dataclass(frozen=True, slots=True)
class _Push:
    """How far one reason group pushed the applicant; `unknown`: by a missing value more than by any other."""

    group: str
    against: float
    unknown: bool


@dataclass(frozen=True)
class ReasonFinder:
    """The reason groups of one contract, ready to rank; `floor` in log-odds, at most `limit`."""

    contract: FeatureContract
    library: ReasonLibrary
    floor: float
    limit: int

    @cached_property
    def _groups(self) -> list[tuple[str, list[int]]]:
        members: dict[str, list[int]] = {}
        for position, feature in enumerate(self.contract.features):
            members.setdefault(feature.reason_group, []).append(position)
        return list(members.items())

    def principal(self, attributions: Floats, packed: Floats) -> tuple[Reason, ...]:
        """Reasons from the score: attributions (k,) in log-odds and the packed applicant (k,).

        Sums each group, drops favourable groups and those below the floor, and ranks the rest.
        Empty when nothing weighed against the applicant.
        """
        return self._ranked(self._material(attributions, packed)[: self.limit])

    def knocked_out(self, rules: tuple[KnockoutRule, ...]) -> tuple[Reason, ...]:
        """Reasons from the knock-out rules that held, in the policy's order, one per group."""
        return self.named(rule.reason_group for rule in rules)[: self.limit]

    def named(self, groups: Iterable[str]) -> tuple[Reason, ...]:
        """Reasons without weights, in that order, each group once. Raises KeyError for one that the library lacks."""
        return tuple(
            self._reason(rank, group, None, False)
            for rank, group in enumerate(dict.fromkeys(groups), start=1)
        )

    def key_factors(self, attributions: Floats, packed: Floats) -> tuple[Reason, ...] | None:
        """The key factors that adversely affected a credit score; None where the score is none by the FCRA.

        As principal reasons are found, among the groups that the library lets be key factors: at most four,
        and inquiries as a fifth where they weighed as well.
        """
        if not self.library.is_fcra_credit_score:
            return None
        kinds = {name: group.key_factor for name, group in self.library.groups.items()}
        found = [push for push in self._material(attributions, packed) if kinds[push.group] != "no"]
        further = [push for push in found[MOST_KEY_FACTORS:] if kinds[push.group] == "inquiries"]
        return self._ranked(found[:MOST_KEY_FACTORS] + further[:1])

    def share_named(self, reasons: Sequence[Reason], attributions: Floats) -> float:
        """How much of what weighed against the applicant the reasons from the score name, 0 to 1.

        Sum of their contributions over the sum of every reason group that pushed against. Groups that pushed in favour
        of the applicant count on neither side.
        """
        pushes = attributions.tolist()
        sums = (sum(map(pushes.__getitem__, members)) for _, members in self._groups)
        all_against: float = sum(total for total in sums if total > 0)
        named = sum(reason.contribution or 0.0 for reason in reasons)
        return min(1.0, named / all_against)  # the order of summing may add a bit

    def features_of(self, reasons: Iterable[Reason]) -> list[int]:
        """The places in the contract of every feature that belongs to the groups of these reasons."""
        members = dict(self._groups)
        return [place for reason in reasons for place in members.get(reason.reason_group, ())]

    def _material(self, attributions: Floats, packed: Floats) -> list[_Push]:
        """What pushed against the applicant by the floor at least, the heaviest first; equal ones as the contract has them."""
        pushes, values = attributions.tolist(), packed.tolist()
        found = []
        for group, members in self._groups:
            total = sum(map(pushes.__getitem__, members))
            if total > 0 and total >= self.floor:
                worst = max(members, key=pushes.__getitem__)
                found.append(_Push(group, total, values[worst] != values[worst]))
        return sorted(found, key=lambda push: -push.against)

    def _ranked(self, pushes: Sequence[_Push]) -> tuple[Reason, ...]:
        return tuple(
            self._reason(rank, push.group, push.against, push.unknown)
            for rank, push in enumerate(pushes, start=1)
        )

    def _reason(self, rank: int, group: str, contribution: float | None, unknown: bool) -> Reason:
        texts = self.library.texts_of(group)
        statement = texts.missing_statement if unknown else texts.statement
        return Reason(rank, self.library.groups[group].code, group, statement, contribution)


def in_language(
    reasons: Iterable[Mapping[str, Any]], library: ReasonLibrary, language: str
) -> list[str]:
    """The statements of kept reasons in another language of the same library, in their order.

    Raises KeyError where the library does not speak it, or is not the one that the reasons were worded by.
    """
    said = []
    for reason in reasons:
        group = reason["reason_group"]
        own, other = library.texts_of(group), library.texts_of(group, language)
        by_statement = {
            own.statement: other.statement,
            own.missing_statement: other.missing_statement,
        }
        said.append(by_statement[reason["statement"]])
    return said

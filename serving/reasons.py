"""Principal reasons: what weighed most against an applicant, in words that name the real factor.

Attributions are against approved applicants just above the cut-off, so a positive sum of a reason
group says how far it pushed the applicant below them (Reg B 1002.9(b)(2), comment 5, method A).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from registry.contract import FeatureContract
from serving.policy import KnockoutRule, PolicyUnusable

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Statement:
    """What an applicant is told about one reason group."""

    code: str
    statement: str
    missing_statement: str


@dataclass(frozen=True)
class ReasonLibrary:
    """The approved texts of one language, by reason group."""

    language: str
    groups: Mapping[str, Statement]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the body of a reason library row. Raises PolicyUnusable."""
        try:
            groups = {group: Statement(**texts) for group, texts in body["groups"].items()}
            return cls(language=body["language"], groups=groups)
        except (KeyError, TypeError, AttributeError) as problem:
            raise PolicyUnusable(f"The reason library cannot be read: {problem}.") from None


@dataclass(frozen=True, slots=True)
class Reason:
    """One principal reason. `contribution` is in log-odds of bad, None for a knock-out rule, which
    declines without weighing."""

    rank: int
    code: str
    reason_group: str
    statement: str
    contribution: float | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


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
        pushes, values = attributions.tolist(), packed.tolist()
        ranked = []
        for order, (group, members) in enumerate(self._groups):
            total = sum(pushes[member] for member in members)
            if total > 0 and total >= self.floor:
                worst = max(members, key=pushes.__getitem__)
                ranked.append((-total, order, group, values[worst] != values[worst]))
        ranked.sort()
        return tuple(
            self._reason(rank, group, -against, unknown)
            for rank, (against, _, group, unknown) in enumerate(ranked[: self.limit], start=1)
        )

    def knocked_out(self, rules: tuple[KnockoutRule, ...]) -> tuple[Reason, ...]:
        """Reasons from the knock-out rules that held, in the policy's order, one per group."""
        groups = list(dict.fromkeys(rule.reason_group for rule in rules))[: self.limit]
        return tuple(
            self._reason(rank, group, None, False) for rank, group in enumerate(groups, start=1)
        )

    def _reason(self, rank: int, group: str, contribution: float | None, unknown: bool) -> Reason:
        texts = self.library.groups[group]
        statement = texts.missing_statement if unknown else texts.statement
        return Reason(rank, texts.code, group, statement, contribution)

"""From a probability of bad to an outcome: knock-out rules, then the cut-off, then the grey band."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}


class DecisionOutcome(StrEnum):
    APPROVED = "approved"
    DECLINED = "declined"
    REFERRED = "referred"


class DecisionPath(StrEnum):
    SCORE = "score"
    KNOCKOUT = "knockout"
    GREY_BAND = "grey_band"
    RESTRICTED = "restricted"


class PolicyUnusable(ValueError):
    """A policy does not say what deciding takes; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class KnockoutRule:
    """A feature value that declines whatever the score is. A missing value never does."""

    feature: str
    operator: str
    value: float | str | bool
    reason_group: str

    def holds(self, features: Mapping[str, Any]) -> bool:
        value = features[self.feature]
        return value is not None and OPERATORS[self.operator](value, self.value)


@dataclass(frozen=True)
class DecisionPolicy:
    """What a decision policy row says. `grey_band` is [from, to) in probability of bad.

    `materiality_floor` is in the unit that the model is explained in, for most models log-odds: a reason group that weighs less is not a principal reason.
    """

    cut_off: float
    grey_band: tuple[float, float] | None
    knockout_rules: tuple[KnockoutRule, ...]
    materiality_floor: float
    max_reasons: int

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read the body of a policy row. Raises PolicyUnusable."""
        try:
            band = body.get("grey_band")
            return cls(
                cut_off=float(body["cut_off"]),
                grey_band=(float(band["from"]), float(band["to"])) if band else None,
                knockout_rules=tuple(KnockoutRule(**rule) for rule in body["knockout_rules"]),
                materiality_floor=float(body["materiality_floor"]),
                max_reasons=int(body["max_reasons"]),
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise PolicyUnusable(f"The decision policy cannot be read: {problem}.") from None


@dataclass(frozen=True, slots=True)
class Ruling:
    """An outcome, how it came about, and the knock-out rules that held."""

    outcome: DecisionOutcome
    path: DecisionPath
    knockouts: tuple[KnockoutRule, ...] = ()


def decide(pd: float, features: Mapping[str, Any], policy: DecisionPolicy) -> Ruling:
    """The ruling for one application: pd is its probability of bad, 0 to 1.

    A knock-out rule declines before the score is looked at; a pd at the cut-off is declined.
    """
    knockouts = tuple(rule for rule in policy.knockout_rules if rule.holds(features))
    if knockouts:
        return Ruling(DecisionOutcome.DECLINED, DecisionPath.KNOCKOUT, knockouts)
    if pd >= policy.cut_off:
        return Ruling(DecisionOutcome.DECLINED, DecisionPath.SCORE)
    if policy.grey_band and policy.grey_band[0] <= pd < policy.grey_band[1]:
        return Ruling(DecisionOutcome.REFERRED, DecisionPath.GREY_BAND)
    return Ruling(DecisionOutcome.APPROVED, DecisionPath.SCORE)


def left_to_a_person(ruling: Ruling) -> Ruling:
    """What becomes of a ruling where a use restriction refers every application; its knock-outs stay reasons."""
    return Ruling(DecisionOutcome.REFERRED, DecisionPath.RESTRICTED, ruling.knockouts)

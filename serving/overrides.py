"""How often people override, and how often reviews overturn, against what a policy says. Pure.

The rate of a side is its overrides among the decisions on it: low side, what the score declined and a person approved;
high side, what it approved and a person declined. Cases that were referred are on neither side.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SIDES: Mapping[str, str] = {"low_side": "declined", "high_side": "approved"}
"""Each side with the outcome of the score that is overridden there."""


@dataclass(frozen=True)
class SideFigures:
    """One side in a period. `rate` is 0 to 1, None without decisions; `state` is None without a policy or a rate."""

    side: str
    decisions: int
    overrides: int
    rate: float | None
    state: str | None
    by_officer: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ReviewFigures:
    """The reviews received in a period. `overturn_rate` is of those closed, 0 to 1; None without any."""

    received: int
    results: Mapping[str, int]
    open: int
    late: int

    @property
    def closed(self) -> int:
        return sum(self.results.values())

    @property
    def overturn_rate(self) -> float | None:
        return self.results.get("overturned", 0) / self.closed if self.closed else None


def side_figures(
    decisions: Mapping[str, int],
    overrides: Iterable[tuple[str, str]],
    limits: Mapping[str, float],
) -> list[SideFigures]:
    """Both sides: how many decisions had each outcome, (side, officer) of each override, and `watch` and `breach`, rates
    from 0 to 1, or nothing."""
    by_side = {side: Counter[str]() for side in SIDES}
    for side, officer in overrides:
        by_side[side][officer] += 1
    return [
        _side(side, decisions.get(outcome, 0), by_side[side], limits)
        for side, outcome in SIDES.items()
    ]


def _side(
    side: str, decisions: int, officers: Counter[str], limits: Mapping[str, float]
) -> SideFigures:
    overrides = officers.total()
    rate = overrides / decisions if decisions else None
    return SideFigures(side, decisions, overrides, rate, _state(rate, limits), officers)


def _state(rate: float | None, limits: Mapping[str, float]) -> str | None:
    if rate is None or not limits:
        return None
    if rate >= limits["breach"]:
        return "breach"
    return "watch" if rate >= limits["watch"] else "pass"

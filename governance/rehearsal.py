"""What a proposed gate policy would have said of versions that were measured before. Pure.

Only what a report holds is judged again. A check that it does not hold, or took of another sample, was not
measured, and unmeasured blocks as missing evidence does. A group's test of significance is not in a report: a ratio
below the limit counts as missed, also where chance is not ruled out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.gate_policy import Check, Severity
from governance.gates import WORST_FIRST, Status, blocks, missed

Results = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Rehearsed:
    """One check, with the worst it would have said of any group; `measured` is false where the report lacks it."""

    check: str
    status: Status
    measured: bool
    severity: Severity

    @property
    def blocks(self) -> bool:
        return blocks(self.status, self.severity)


def rehearse(results: Results, taken: Sequence[Check], checks: Sequence[Check]) -> list[Rehearsed]:
    """The verdicts of `checks` on a report's results, which were taken under the checks `taken`."""
    return [_rehearsed(check, results, taken) for check in checks]


def blocked_by(rehearsed: Sequence[Rehearsed]) -> list[str]:
    """The checks that would have blocked, each once, in the order of the policy."""
    return list(dict.fromkeys(each.check for each in rehearsed if each.blocks))


def _rehearsed(check: Check, results: Results, taken: Sequence[Check]) -> Rehearsed:
    alike = any(_asks_the_same(check, other) for other in taken)
    found = [result for result in results if result["check"] == check.name] if alike else []
    statuses = list(_statuses(check, found))
    worst = min(statuses, key=WORST_FIRST.index, default=Status.INSUFFICIENT_DATA)
    return Rehearsed(check.name, worst, bool(found), check.severity)


def _asks_the_same(check: Check, other: Check) -> bool:
    return _question(check) == _question(other)


def _question(check: Check) -> tuple[object, ...]:
    return check.name, check.sample, check.from_age, set(check.kinds), check.approved


def _statuses(check: Check, results: Results) -> Iterator[Status]:
    for result in results:
        value = result["value"]
        if value is None:
            # A pass without a number: the question did not arise.
            unasked = result["status"] == Status.PASS
            yield Status.PASS if unasked else Status.INSUFFICIENT_DATA
        elif not check.admits(value):
            yield missed(check)
        elif check.name == "adverse_impact":
            yield _of_ratio(check, value, result["low"])
        else:
            yield Status.PASS


def _of_ratio(check: Check, ratio: float, low: float | None) -> Status:
    """A ratio above the limit: watched, or without evidence where its interval reaches below."""
    if ratio < check.watch:
        return Status.WATCH
    if low is None or (check.minimum is not None and low < check.minimum):
        return Status.INSUFFICIENT_DATA
    return Status.PASS

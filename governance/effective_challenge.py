"""How thoroughly changes were challenged before they were decided, by whom, and what came of it. Pure.

The time of a decision is the time that passed from the moment its maker first opened a part of the evidence of that
very request, on record, to the decision. It says at most how long they looked, breaks included; nothing is known of
what they read elsewhere, and a decision without any opening has no time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

REVERSED_WITHIN = timedelta(days=90)
"""An approval that was undone so soon counts as reversed (our choice: one quarter)."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BINS = (
    ("under 1 min", timedelta(0), MINUTE),
    ("1 to 5 min", MINUTE, 5 * MINUTE),
    ("5 to 15 min", 5 * MINUTE, 15 * MINUTE),
    ("15 to 60 min", 15 * MINUTE, HOUR),
    ("1 to 4 h", HOUR, 4 * HOUR),
    ("4 to 24 h", 4 * HOUR, DAY),
    ("over 1 day", DAY, timedelta.max),
)
NOT_OPENED = "not opened"
EVERYBODY = "(everybody)"


@dataclass(frozen=True)
class Challenge:
    """One person's decision about one change.

    `opened` are the parts of the evidence that they had opened by then, of those `available`. `looked` None where they
    had opened none. `reversal` says how an approval that took effect was undone within `REVERSED_WITHIN`;
    `is_watched` that this time has not passed yet. `took_effect` is true of approvals that moved a version.
    """

    approver: str
    approved: bool
    looked: timedelta | None
    opened: frozenset[str]
    available: frozenset[str]
    conditions: int = 0
    took_effect: bool = False
    reversal: str | None = None
    is_watched: bool = False


@dataclass(frozen=True)
class PartOpened:
    """Of `decisions` for which this part was available, how many had it opened before."""

    part: str
    decisions: int
    opened: int

    @property
    def share(self) -> float:
        return self.opened / self.decisions


@dataclass(frozen=True)
class Measures:
    """Of one person's decisions, or of everybody's where `approver` is empty.

    `seconds` are the quartiles of the time to decide, None where nobody opened anything. `times` count decisions by
    length of it. `reversals` count the approvals in effect that were undone, by how; `watched` may still be.
    """

    approver: str
    decided: int
    rejected: int
    with_conditions: int
    seconds: tuple[float, float, float] | None
    times: list[tuple[str, int]]
    parts: list[PartOpened]
    took_effect: int
    reversals: dict[str, int]
    watched: int

    @property
    def approved(self) -> int:
        return self.decided - self.rejected

    @property
    def rejection_share(self) -> float | None:
        """Of all decisions."""
        return self.rejected / self.decided if self.decided else None

    @property
    def reversed(self) -> int:
        return sum(self.reversals.values())

    @property
    def reversal_share(self) -> float | None:
        """Of the approvals that took effect; it can still rise while some are watched."""
        return self.reversed / self.took_effect if self.took_effect else None


def measures(decisions: Sequence[Challenge]) -> list[Measures]:
    """Everybody together first, then each person by name."""
    names = sorted({each.approver for each in decisions})
    return [
        _measures("", decisions),
        *(_measures(name, [each for each in decisions if each.approver == name]) for name in names),
    ]


def _measures(approver: str, decisions: Sequence[Challenge]) -> Measures:
    looked = [each.looked.total_seconds() for each in decisions if each.looked is not None]
    quartiles = np.quantile(looked, (0.25, 0.5, 0.75)) if looked else None
    in_effect = [each for each in decisions if each.took_effect]
    return Measures(
        approver=approver,
        decided=len(decisions),
        rejected=sum(not each.approved for each in decisions),
        with_conditions=sum(each.conditions > 0 for each in decisions),
        seconds=None if quartiles is None else tuple(quartiles.tolist()),
        times=_times(each.looked for each in decisions),
        parts=_parts(decisions),
        took_effect=len(in_effect),
        reversals=dict(sorted(Counter(each.reversal for each in in_effect if each.reversal).items())),
        watched=sum(each.is_watched and each.reversal is None for each in in_effect),
    )  # fmt: skip


def _times(looked: Iterable[timedelta | None]) -> list[tuple[str, int]]:
    spans = list(looked)
    known = [span for span in spans if span is not None]
    return [
        (NOT_OPENED, len(spans) - len(known)),
        *((label, sum(low <= span < high for span in known)) for label, low, high in BINS),
    ]


def _parts(decisions: Sequence[Challenge]) -> list[PartOpened]:
    available = Counter(part for each in decisions for part in each.available)
    opened = Counter(part for each in decisions for part in each.opened & each.available)
    return [PartOpened(part, n, opened[part]) for part, n in sorted(available.items())]


def as_rows(found: Sequence[Measures]) -> list[list[str | int | float | None]]:
    """A table with one line per `Measures` under a line of names; times in seconds, shares 0 to 1 to four places."""
    parts = sorted({part.part for each in found for part in each.parts})
    labels = [label for label, _ in found[0].times]
    head: list[str | int | float | None] = [
        "approver", "decided", "approved", "rejected", "rejection_share", "with_conditions", "seconds_first_quartile",
        "seconds_median", "seconds_third_quartile", *(f"time: {label}" for label in labels),
        *(f"{what}: {part}" for part in parts for what in ("available", "opened")), "took_effect", "rolled_back",
        "revoked", "suspended", "reversal_share", "still_watched",
    ]  # fmt: skip
    return [head, *(_row(each, parts) for each in found)]


def _row(each: Measures, parts: Sequence[str]) -> list[str | int | float | None]:
    opened = {part.part: part for part in each.parts}
    counts = [
        count
        for part in parts
        for count in ((opened[part].decisions, opened[part].opened) if part in opened else (0, 0))
    ]
    return [
        each.approver or EVERYBODY,
        each.decided,
        each.approved,
        each.rejected,
        _rounded(each.rejection_share),
        each.with_conditions,
        *(each.seconds or (None, None, None)),
        *(n for _, n in each.times),
        *counts,
        each.took_effect,
        *(each.reversals.get(name, 0) for name in ("rollback", "revocation", "suspension")),
        _rounded(each.reversal_share),
        each.watched,
    ]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)

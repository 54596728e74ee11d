"""Champion against candidate on the same applicants: who would be decided otherwise."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from governance.measured import Bools
from registry import training
from registry.models import ModelVersion
from registry.queries import snapshot_of
from serving.scoring import score_rows

MOST_COMPARED = 5_000


@dataclass(frozen=True)
class Swap:
    """Applicants whom candidate and champion would decide alike or otherwise by their cut-offs, and how many went bad."""

    title: str
    n: int
    bad: int

    @property
    def bad_rate(self) -> float | None:
        return self.bad / self.n if self.n else None


@dataclass(frozen=True)
class Comparison:
    """Both versions, and how the same applicants would fare; `swaps` hold every one of them once."""

    candidate: int
    champion: int
    swaps: list[Swap]

    @property
    def n(self) -> int:
        return sum(swap.n for swap in self.swaps)

    def share(self, swap: Swap) -> float | None:
        """Of all applicants compared."""
        return swap.n / self.n if self.n else None

    def as_json(self) -> dict[str, Any]:
        """What a person is shown; shares and rates to four places, so that they are the same everywhere."""
        swaps = [
            {
                **asdict(swap),
                "share": _rounded(self.share(swap)),
                "bad_rate": _rounded(swap.bad_rate),
            }
            for swap in self.swaps
        ]
        return {
            "candidate": self.candidate,
            "champion": self.champion,
            "n": self.n,
            "swaps": swaps,
        }


def compared(candidate: ModelVersion, champion: ModelVersion) -> Comparison:
    """Raises what `swap_set` raises."""
    return Comparison(candidate.number, champion.number, swap_set(candidate, champion))


def swap_set(candidate: ModelVersion, champion: ModelVersion) -> list[Swap]:
    """Over at most 5,000 held-out rows of the candidate's data set. Empty where the two take different features.

    Raises ArtefactRefused, NotStored or StoredBytesDiffer.
    """
    if candidate.contract_sha256 != champion.contract_sha256:
        return []
    snapshot, run = snapshot_of(candidate.dataset), candidate.run
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    rows = np.flatnonzero(~in_sample)[:MOST_COMPARED]
    packed, bad = snapshot.packed[rows], snapshot.bad[rows].astype(bool)
    now = score_rows(champion, packed).pd < champion.cut_off
    then = score_rows(candidate, packed).pd < candidate.cut_off
    return [
        _swap("approved by both", now & then, bad),
        _swap("newly approved", ~now & then, bad),
        _swap("newly declined", now & ~then, bad),
        _swap("declined by both", ~now & ~then, bad),
    ]


def _rounded(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def _swap(title: str, who: Bools, bad: Bools) -> Swap:
    return Swap(title, int(who.sum()), int((who & bad).sum()))

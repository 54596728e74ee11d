"""What the log says about the refused rows of a batch: where, and why, and no values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from audit.errors import Refusal


def refused_rows(refused: Mapping[int, Refusal]) -> dict[str, Any]:
    """Details for an entry: how many rows, their positions by refusal, and how often each problem.

    Each of at most 10,000 positions is named once, so the entry stays within its bound.
    """
    positions: dict[str, list[int]] = {}
    problems: Counter[str] = Counter()
    for position, refusal in sorted(refused.items()):
        positions.setdefault(refusal.type, []).append(position)
        problems.update({problem.type for problem in refusal.errors})
    return {
        "refused": len(refused),
        "positions": {kind: _ranges(rows) for kind, rows in positions.items()},
        "problems": dict(problems),
    }


def _ranges(positions: Sequence[int]) -> str:
    """Rising positions as text: `0,4-7,12`."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)

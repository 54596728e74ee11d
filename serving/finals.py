"""The final outcome of a decision: what the score made of it, unless a person decided otherwise. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Ruled:
    """An outcome as it was decided once, by the score or by a person.

    `reasons` are as decision answers have them, those of a person with their `component`; None where the person whom
    it concerns was erased.
    """

    outcome: str
    reasons: tuple[dict[str, Any], ...] | None
    decided_at: datetime
    by: Literal["score", "person"]

    @property
    def is_final(self) -> bool:
        """A referred case is not decided yet."""
        return self.outcome != "referred"


def final_outcome(decision: Ruled, resolutions: Sequence[Ruled]) -> Ruled:
    """What stands: the newest of the resolutions, which come oldest first, else the decision itself."""
    return resolutions[-1] if resolutions else decision

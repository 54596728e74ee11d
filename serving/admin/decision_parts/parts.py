"""One part of a decision's page, and who sees it."""

from collections.abc import Callable
from dataclasses import dataclass

from serving.models import Decision

Field = str | Callable[[Decision], str]
SEEN_BY_FEW = "serving.view_observation"


@dataclass(frozen=True)
class Part:
    """A heading and its fields. `of_few`: only for those who may see what applicants said, and until erasure."""

    heading: str | None
    fields: tuple[Field, ...]
    of_few: bool = False
    applies: Callable[[Decision], bool] = lambda decision: True

    def is_shown(self, decision: Decision, sees_observations: bool) -> bool:
        if self.of_few and not (sees_observations and hasattr(decision, "observation")):
            return False
        return self.applies(decision)

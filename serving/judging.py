"""One version's judgement of applications: score, explanation, ruling and reasons from one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import Refusal
from registry.contract import FeatureContract
from serving.errors import ExplanationDoesNotAddUp, NoPrincipalReason
from serving.explainers.scores import Scorer, Scores
from serving.policy import DecisionOutcome, DecisionPolicy, Ruling, decide
from serving.reasons import Reason, ReasonFinder

ADDITIVITY_TOLERANCE = 1e-6  # relative to the larger of 1 and the margin


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a version makes of one application.

    packed and attributions: (k,), one per contract feature; margin, base_value, additivity_gap
    and attributions in log-odds of bad.
    """

    packed: NDArray[np.float64]
    attributions: NDArray[np.float64]
    base_value: float
    margin: float
    pd: float
    additivity_gap: float
    ruling: Ruling
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Judge:
    """A contract, a scorer, a decision policy and its reasons that fit each other.

    `barred` are names of protected attributes, which no application may carry.
    """

    contract: FeatureContract
    scorer: Scorer
    policy: DecisionPolicy
    reasons: ReasonFinder
    barred: frozenset[str]

    def score(self, packed: NDArray[np.float64]) -> Scores:
        """Score n applicants packed under the contract, (n, k)."""
        return self.scorer.score(self.contract.matrix(packed))

    def judge(self, rows: Sequence[Mapping[str, Any]]) -> list[Judgement | Refusal]:
        """One judgement per application, in order; the features of each have no problems.

        An application gets ExplanationDoesNotAddUp or NoPrincipalReason where it must not be
        decided.
        """
        packed = self.contract.pack(rows)
        scores = self.score(packed)
        pds = scores.pd
        judged: list[Judgement | Refusal] = []
        for row, features in enumerate(rows):
            margin, gap = float(scores.margin[row]), float(scores.additivity_gap[row])
            if not abs(gap) <= ADDITIVITY_TOLERANCE * max(1.0, abs(margin)):
                judged.append(ExplanationDoesNotAddUp(f"The attributions miss by {gap:.3g}."))
                continue
            ruling = decide(float(pds[row]), features, self.policy)
            reasons = self._reasons(ruling, scores.attributions[row], packed[row])
            if ruling.outcome != DecisionOutcome.APPROVED and not reasons:
                judged.append(
                    NoPrincipalReason(f"Would be {ruling.outcome}, and nothing says why.")
                )
                continue
            judged.append(
                Judgement(
                    packed=packed[row],
                    attributions=scores.attributions[row],
                    base_value=scores.base_value,
                    margin=margin,
                    pd=float(pds[row]),
                    additivity_gap=gap,
                    ruling=ruling,
                    reasons=reasons,
                )
            )
        return judged

    def _reasons(
        self, ruling: Ruling, attributions: NDArray[np.float64], packed: NDArray[np.float64]
    ) -> tuple[Reason, ...]:
        if ruling.outcome == DecisionOutcome.APPROVED:
            return ()
        if ruling.knockouts:
            return self.reasons.knocked_out(ruling.knockouts)
        return self.reasons.principal(attributions, packed)

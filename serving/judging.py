"""One version's judgement of applications: score, explanation, ruling and reasons from one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
class ReasonCheck:
    """Whether the reasons from a score say what counted.

    `share_named`: of what weighed against the applicant, how much they name, 0 to 1. `would_flip`: whether the score
    would have spared the applicant this outcome, had every feature of the reasons been typical of the baseline.
    """

    share_named: float
    would_flip: bool

    def as_json(self) -> dict[str, Any]:
        return {"share_named": self.share_named, "would_flip": self.would_flip}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a version makes of one application.

    packed and attributions: (k,), one per contract feature; margin, base_value, additivity_gap
    and attributions in log-odds of bad. `key_factors` is None where the score is no FCRA credit score, `check` where
    the reasons are not from the score.
    """

    packed: NDArray[np.float64]
    attributions: NDArray[np.float64]
    base_value: float
    margin: float
    pd: float
    additivity_gap: float
    ruling: Ruling
    reasons: tuple[Reason, ...]
    key_factors: tuple[Reason, ...] | None = None
    check: ReasonCheck | None = None

    @property
    def reasoning(self) -> dict[str, Any]:
        """Reasons and what is kept beside them, as JSON has it."""
        factors, check = self.key_factors, self.check
        return {
            "reasons": [reason.as_json() for reason in self.reasons],
            "key_factors": None if factors is None else [factor.as_json() for factor in factors],
            "reason_check": None if check is None else check.as_json(),
        }


@dataclass(frozen=True)
class Judge:
    """A contract, a scorer, a decision policy and its reasons that fit each other.

    `barred` are names of protected attributes, which no application may carry. `typical` (k,) are the values of the
    features that are typical of the baseline.
    """

    contract: FeatureContract
    scorer: Scorer
    policy: DecisionPolicy
    reasons: ReasonFinder
    barred: frozenset[str]
    typical: NDArray[np.float64]

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
                    key_factors=self.reasons.key_factors(scores.attributions[row], packed[row]),
                )
            )
        return self._checked(judged)

    def _reasons(
        self, ruling: Ruling, attributions: NDArray[np.float64], packed: NDArray[np.float64]
    ) -> tuple[Reason, ...]:
        if ruling.outcome == DecisionOutcome.APPROVED:
            return ()
        if ruling.knockouts:  # the factor itself, whatever the score says
            return self.reasons.knocked_out(ruling.knockouts)
        return self.reasons.principal(attributions, packed)

    def _checked(self, judged: list[Judgement | Refusal]) -> list[Judgement | Refusal]:
        """The same judgements, those with reasons from the score checked: one more scoring for all of them together."""
        by_score = {
            place: one
            for place, one in enumerate(judged)
            if isinstance(one, Judgement) and one.reasons and not one.ruling.knockouts
        }
        if not by_score:
            return judged
        neutral = np.array([one.packed for one in by_score.values()])
        for row, one in zip(neutral, by_score.values(), strict=True):
            named = self.reasons.features_of(one.reasons)
            row[named] = self.typical[named]
        checked = list(judged)
        pds = self.score(neutral).pd.tolist()
        for (place, one), pd in zip(by_score.items(), pds, strict=True):
            share = self.reasons.share_named(one.reasons, one.attributions)
            check = ReasonCheck(share, pd < self._threshold(one.ruling))
            checked[place] = replace(one, check=check)
        return checked

    def _threshold(self, ruling: Ruling) -> float:
        """From which probability of bad on the score has this outcome."""
        band = self.policy.grey_band
        if ruling.outcome == DecisionOutcome.REFERRED and band is not None:
            return band[0]
        return self.policy.cut_off

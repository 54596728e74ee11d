"""Whether reasons from a score are true: tried on declined applicants, for gates before use and for reports in use.

An applicant's reasons are *faithful* where the version would not have declined by the score, had every feature of
their groups been typical of the baseline (the middle known value; the commonest where values have no order). They are
*stable* as far as they agree with the reasons against other baselines, drawn from the same with replacement: common
groups over all groups (Jaccard), the mean over the draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.measures import explanations, robustness
from registry.models import ModelVersion
from registry.queries import baseline_rows
from serving.in_service import bytes_of
from serving.scoring import loaded, scores_against

RESAMPLES = 4
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class ReasonTrials:
    """Of d declined applicants: `agreement` (d,) across baselines, 0 to 1, and whether their reasons are `faithful` (d,)."""

    agreement: Floats
    faithful: Bools


def try_reasons(
    version: ModelVersion, declined: Floats, given: Sequence[Sequence[str]] | None = None
) -> ReasonTrials:
    """Try the reasons of declined applicants, packed (d, k): those `given` by reason group, else those from the score now.

    Raises ArtefactRefused.
    """
    if not len(declined):
        return ReasonTrials(np.empty(0), np.empty(0, dtype=bool))
    judge = loaded(bytes_of(version)).judge
    contract, policy = judge.contract, judge.policy
    names = sorted(contract.reason_groups)
    members = np.array([names.index(feature.reason_group) for feature in contract.features])
    groups = [np.flatnonzero(members == group).tolist() for group in range(len(names))]
    baseline = baseline_rows(version.baseline).packed

    def reasons(attributions: Floats) -> Bools:
        sums = explanations.sums_by_group(attributions, groups)
        return explanations.principal_groups(sums, policy.materiality_floor, policy.max_reasons)

    if given is None:
        named = reasons(judge.score(declined).attributions)
    else:
        named = np.array([[name in said for name in names] for said in given])
    generator = np.random.default_rng(robustness.DISTURBING_SEED)
    draws = [
        baseline[generator.integers(0, len(baseline), len(baseline))] for _ in range(RESAMPLES)
    ]
    agreements = [
        explanations.agreement(named, reasons(scores.attributions))
        for scores in scores_against(version, draws, declined)
    ]
    neutral = explanations.neutralised(declined, named, judge.typical, members)
    faithful = judge.score(neutral).pd < version.cut_off
    return ReasonTrials(np.mean(agreements, axis=0), faithful)

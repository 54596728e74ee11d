"""Broken data are told from a population that moved."""

import numpy as np
import pytest

from governance.errors import RetrainingPolicyMalformed
from governance.retraining_policy import RetrainingPolicy
from governance.triage import broken_data
from registry.snapshots import pack_frame
from tests.governance.builders import RETRAINING
from tests.registry.applicants import CONTRACT, a_frame

POLICY = RetrainingPolicy.from_json(RETRAINING)
REFERENCE = pack_frame(a_frame(), CONTRACT)
DTI, INCOME = CONTRACT.names.index("dti"), CONTRACT.names.index("income")


def test_a_riskier_population_is_not_broken_data():
    riskiest = REFERENCE[np.argsort(-REFERENCE[:, DTI])[:300]]

    assert broken_data(CONTRACT, REFERENCE, riskiest, POLICY) == []


def test_too_few_decisions_are_told():
    (problem,) = broken_data(CONTRACT, REFERENCE, REFERENCE[:10], POLICY)

    assert problem.startswith("10 decisions")


def test_a_feature_that_went_missing_is_named():
    window = REFERENCE[:300].copy()
    window[:, INCOME] = np.nan

    (problem,) = broken_data(CONTRACT, REFERENCE, window, POLICY)

    assert problem.startswith("income: the share of missing values")


def test_a_feature_in_another_unit_is_named():
    window = REFERENCE[:300].copy()
    window[:, INCOME] *= 1000

    (problem,) = broken_data(CONTRACT, REFERENCE, window, POLICY)

    assert problem.startswith("income:")
    assert "outside what the model was trained on" in problem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"window_days": 0}, "window_days"),
        ({"seed": True}, "seed"),
        ({"holdout_share": 1}, "holdout_share"),
        ({"candidates": []}, "candidates"),
        ({"candidates": [{"algorithm": "magic", "params": {}}]}, "candidates.0.algorithm"),
        ({"candidates": ["any"]}, "candidates.0"),
        ({"automatic_approval": True}, "automatic_approval"),
    ],
)
def test_an_envelope_that_cannot_be_followed_is_refused(change, field):
    with pytest.raises(RetrainingPolicyMalformed) as refused:
        RetrainingPolicy.from_json({**RETRAINING, **change})

    assert [problem.field for problem in refused.value.errors] == [field]

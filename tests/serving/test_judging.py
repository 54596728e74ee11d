import numpy as np
import pytest

from registry.contract import Feature, FeatureContract
from registry.reason_library import ReasonLibrary
from serving.errors import ExplanationDoesNotAddUp, NoPrincipalReason
from serving.explainers.linear import LinearScorer
from serving.judging import Judge
from serving.policy import DecisionPolicy, KnockoutRule
from serving.reasons import ReasonFinder

CONTRACT = FeatureContract(
    (Feature("dti", "number", reason_group="debt"), Feature("late", "number", reason_group="late"))
)
POLICY = DecisionPolicy(0.5, None, (), materiality_floor=0.0, max_reasons=4)
LIBRARY = ReasonLibrary.from_json(
    {
        "language": "en",
        "groups": {
            group: {"code": group, "statement": group, "missing_statement": f"no {group}"}
            for group in ("debt", "late")
        },
    }
)


def a_judge(coefficients, base_value=0.0, policy=POLICY):
    """A linear model without intercept whose baseline is all zeros, unless it is told a wrong base value."""
    scorer = LinearScorer(
        coefficients=np.array(coefficients),
        filling=np.zeros(2),
        centre=np.zeros(2),
        intercept=0.0,
        players=CONTRACT.players,
        base_value=base_value,
        method="of the tests",
    )
    finder = ReasonFinder(CONTRACT, LIBRARY, policy.materiality_floor, policy.max_reasons)
    return Judge(CONTRACT, scorer, policy, finder, frozenset(), typical=np.zeros(2))


def test_a_judgement_holds_score_explanation_ruling_and_reasons_of_one_pass():
    [judgement] = a_judge([2.0, -1.0]).judge([{"dti": 3.0, "late": 1.0}])

    assert judgement.margin == 5.0
    assert judgement.pd == pytest.approx(1 / (1 + np.exp(-5)))
    assert judgement.attributions.tolist() == [6.0, -1.0]
    assert judgement.ruling.outcome == "declined"
    assert [reason.reason_group for reason in judgement.reasons] == ["debt"]


@pytest.mark.parametrize("gap", [1.1e-6, -1.1e-6, 0.5, float("inf"), float("nan")])
def test_attributions_that_miss_a_margin_of_about_one_are_refused(gap):
    [judged] = a_judge([1.0, 0.0], base_value=gap).judge([{"dti": 1.0, "late": 0.0}])

    assert isinstance(judged, ExplanationDoesNotAddUp)


def test_the_tolerance_grows_with_the_margin():
    application = [{"dti": 1000.0, "late": 0.0}]

    assert not isinstance(a_judge([1.0, 0.0], 9e-4).judge(application)[0], Exception)
    assert isinstance(a_judge([1.0, 0.0], 1.1e-3).judge(application)[0], ExplanationDoesNotAddUp)


def test_a_margin_too_large_for_a_double_is_refused():
    [judged] = a_judge([1e300, 0.0]).judge([{"dti": 1e10, "late": 0.0}])

    assert isinstance(judged, ExplanationDoesNotAddUp)


def test_no_application_is_declined_without_a_reason():
    strict = DecisionPolicy(0.5, None, (), materiality_floor=10.0, max_reasons=4)

    [judged] = a_judge([1.0, 0.0], policy=strict).judge([{"dti": 1.0, "late": 0.0}])

    assert isinstance(judged, NoPrincipalReason)


def test_each_row_is_judged_for_itself_and_in_order():
    judged = a_judge([1e300, 1.0]).judge(
        [{"dti": 1e10, "late": 0.0}, {"dti": 0.0, "late": 2.0}, {"dti": 0.0, "late": -2.0}]
    )

    assert isinstance(judged[0], ExplanationDoesNotAddUp)
    assert [row.ruling.outcome for row in judged[1:]] == ["declined", "approved"]


def test_reasons_that_explain_the_decline_would_flip_it():
    [judgement] = a_judge([2.0, 1.0]).judge([{"dti": 3.0, "late": 1.0}])

    # Both named: at the baseline the margin is 0, and 0.5 is the cut-off: still declined, at its very edge.
    assert judgement.check.share_named == 1.0
    assert not judgement.check.would_flip

    lenient = DecisionPolicy(0.6, None, (), materiality_floor=0.0, max_reasons=4)
    [judgement] = a_judge([2.0, 1.0], policy=lenient).judge([{"dti": 3.0, "late": 1.0}])

    assert judgement.check.would_flip


def test_reasons_that_name_too_little_are_seen_to():
    one = DecisionPolicy(0.6, None, (), materiality_floor=0.0, max_reasons=1)

    [judgement] = a_judge([2.0, 1.0], policy=one).judge([{"dti": 1.0, "late": 1.9}])

    # Named is dti with 2.0 of 3.9; with late alone the margin is still 1.9.
    assert judgement.check.share_named == pytest.approx(2.0 / 3.9)
    assert not judgement.check.would_flip


def test_a_referral_is_checked_against_the_edge_of_its_grey_band():
    grey = DecisionPolicy(0.9, (0.45, 0.9), (), materiality_floor=0.0, max_reasons=1)

    [judgement] = a_judge([1.0, 1.0], policy=grey).judge([{"dti": 1.0, "late": 0.2}])

    # Without dti the pd is 0.55: below the cut-off, and inside the band as before.
    assert judgement.ruling.outcome == "referred"
    assert [reason.reason_group for reason in judgement.reasons] == ["debt"]
    assert not judgement.check.would_flip


def test_a_knock_out_is_its_own_reason_and_nothing_is_checked():
    rule = KnockoutRule("late", ">", 5.0, "late")
    strict = DecisionPolicy(0.5, None, (rule,), materiality_floor=0.0, max_reasons=4)

    [judgement] = a_judge([2.0, 1.0], policy=strict).judge([{"dti": 3.0, "late": 9.0}])

    assert [reason.reason_group for reason in judgement.reasons] == ["late"]
    assert judgement.check is None


def test_an_approval_has_nothing_to_check_and_each_row_gets_its_own_check():
    judged = a_judge([2.0, 1.0]).judge(
        [{"dti": -1.0, "late": 0.0}, {"dti": 3.0, "late": 0.0}, {"dti": -9.0, "late": 0.0}, {"dti": 1.0, "late": 1.0}]
    )  # fmt: skip

    assert [one.check is not None for one in judged] == [False, True, False, True]
    assert [one.check.share_named for one in judged if one.check] == [1.0, 1.0]

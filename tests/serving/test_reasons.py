import numpy as np
import pytest

from registry.contract import Feature, FeatureContract
from serving.policy import KnockoutRule, PolicyUnusable
from serving.reasons import ReasonFinder, ReasonLibrary

CONTRACT = FeatureContract(
    (
        Feature("dti", "number", reason_group="obligations"),
        Feature("payment", "number", reason_group="obligations"),
        Feature("income", "number", reason_group="income", missing="allowed"),
        Feature("inquiries", "integer", reason_group="inquiries"),
        Feature("residence", "category", reason_group="residence", categories=("rents", "owns")),
        Feature("history", "integer", reason_group="history"),
    )
)
GROUPS = ("obligations", "income", "inquiries", "residence", "history")
LIBRARY = ReasonLibrary.from_json(
    {
        "language": "en",
        "groups": {
            group: {
                "code": f"R0{number}",
                "statement": f"About {group}",
                "missing_statement": f"Unable to verify {group}",
            }
            for number, group in enumerate(GROUPS, start=1)
        },
    }
)
APPLICANT = np.array([0.4, 900.0, 20.0, 3.0, 1.0, 2.0])


def reasons_for(attributions, packed=APPLICANT, floor=0.0, limit=4):
    finder = ReasonFinder(CONTRACT, LIBRARY, floor=floor, limit=limit)
    return finder.principal(np.array(attributions, dtype=float), np.array(packed))


def test_the_features_of_a_group_are_one_reason_with_the_sum_of_their_pushes():
    # Alone, neither dti nor payment outweighs income; as one reason they do.
    reasons = reasons_for([0.3, 0.25, 0.4, 0.0, 0.0, 0.0])

    assert [(reason.reason_group, reason.rank) for reason in reasons] == [
        ("obligations", 1),
        ("income", 2),
    ]
    assert reasons[0].contribution == pytest.approx(0.55)
    assert reasons[0].code == "R01"
    assert reasons[0].statement == "About obligations"


def test_a_group_that_helped_on_balance_is_no_reason_even_if_one_feature_hurt():
    reasons = reasons_for([0.5, -0.6, 0.1, 0.0, 0.0, 0.0])

    assert [reason.reason_group for reason in reasons] == ["income"]


def test_what_weighs_less_than_the_floor_is_no_principal_reason():
    reasons = reasons_for([0.0, 0.0, 0.3, 0.05, 0.049, 0.0], floor=0.05)

    assert [reason.reason_group for reason in reasons] == ["income", "inquiries"]


def test_there_are_at_most_four_reasons_and_they_are_the_heaviest():
    reasons = reasons_for([0.1, 0.0, 0.2, 0.3, 0.4, 0.5])

    assert [reason.reason_group for reason in reasons] == [
        "history",
        "residence",
        "inquiries",
        "income",
    ]
    assert [reason.rank for reason in reasons] == [1, 2, 3, 4]


def test_a_missing_value_is_worded_as_missing_and_not_as_behaviour():
    unknown = APPLICANT.copy()
    unknown[2] = np.nan

    assert reasons_for([0, 0, 0.4, 0, 0, 0], unknown)[0].statement == "Unable to verify income"
    assert reasons_for([0, 0, 0.4, 0, 0, 0])[0].statement == "About income"


def test_a_group_is_worded_by_the_feature_that_pushed_most():
    unknown = APPLICANT.copy()
    unknown[0] = np.nan

    hurt_by_payment = reasons_for([0.1, 0.4, 0, 0, 0, 0], unknown)
    hurt_by_unknown_dti = reasons_for([0.4, 0.1, 0, 0, 0, 0], unknown)

    assert hurt_by_payment[0].statement == "About obligations"
    assert hurt_by_unknown_dti[0].statement == "Unable to verify obligations"


def test_nothing_against_the_applicant_gives_no_reason():
    assert reasons_for([-0.1, 0.0, -0.2, 0.0, 0.0, -0.5]) == ()


def test_equal_pushes_rank_in_the_order_of_the_contract():
    reasons = reasons_for([0.0, 0.0, 0.0, 0.2, 0.2, 0.2])

    assert [reason.reason_group for reason in reasons] == ["inquiries", "residence", "history"]


def test_a_knockout_gives_that_very_factor_once_and_claims_no_weight():
    finder = ReasonFinder(CONTRACT, LIBRARY, floor=0.0, limit=4)
    rules = (
        KnockoutRule("inquiries", ">", 10, "inquiries"),
        KnockoutRule("dti", ">", 0.6, "obligations"),
        KnockoutRule("payment", ">", 5000, "obligations"),
    )

    reasons = finder.knocked_out(rules)

    assert [(reason.reason_group, reason.contribution) for reason in reasons] == [
        ("inquiries", None),
        ("obligations", None),
    ]


def test_a_library_that_cannot_be_read_is_refused():
    with pytest.raises(PolicyUnusable, match="statement"):
        ReasonLibrary.from_json({"language": "en", "groups": {"income": {"code": "R01"}}})

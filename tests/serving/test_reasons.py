import numpy as np
import pytest

from registry.contract import Feature, FeatureContract
from registry.reason_library import LibraryUnreadable, ReasonLibrary
from serving.policy import KnockoutRule
from serving.reasons import Reason, ReasonFinder, in_language

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
    with pytest.raises(LibraryUnreadable, match="statement"):
        ReasonLibrary.from_json({"language": "en", "groups": {"income": {"code": "R01"}}})


def a_reason(group: str, contribution: float | None = 0.1) -> Reason:
    return Reason(1, f"code of {group}", group, f"About {group}", contribution)


def groups_of(reasons):
    return [(reason.rank, reason.reason_group) for reason in reasons]


def test_a_person_names_reasons_in_the_words_of_the_library_and_each_once():
    finder = ReasonFinder(CONTRACT, LIBRARY, floor=0.0, limit=4)

    reasons = finder.named(["history", "income", "history"])

    assert groups_of(reasons) == [(1, "history"), (2, "income")]
    assert [reason.statement for reason in reasons] == ["About history", "About income"]
    with pytest.raises(KeyError):
        finder.named(["mood"])


def test_the_share_named_is_of_all_that_weighed_against_and_of_nothing_in_favour():
    attributions = np.array([0.3, 0.0, 0.4, 0.2, 0.1, -5.0])
    finder = ReasonFinder(CONTRACT, LIBRARY, floor=0.15, limit=2)
    reasons = finder.principal(attributions, APPLICANT)

    # Named: income 0.4 and obligations 0.3; against were 0.4 + 0.3 + 0.2 + 0.1.
    assert finder.share_named(reasons, attributions) == pytest.approx(0.7)


def test_the_features_of_reasons_are_all_features_of_their_groups():
    finder = ReasonFinder(CONTRACT, LIBRARY, floor=0.0, limit=4)

    assert finder.features_of([a_reason("obligations"), a_reason("history")]) == [0, 1, 5]


BUREAU = FeatureContract(
    tuple(Feature(name, "number", reason_group=name) for name in ("a", "b", "c", "d", "e", "asked", "own"))
)  # fmt: skip
KINDS = {**dict.fromkeys("abcde", "yes"), "asked": "inquiries", "own": "no"}


def key_factors(attributions, *, is_score=True, floor=0.0):
    library = ReasonLibrary.from_json(
        {
            "languages": ["en", "es"],
            "is_fcra_credit_score": is_score,
            "groups": {
                name: {
                    "code": name,
                    "sample_form": "other",
                    "key_factor": kind,
                    "texts": {
                        language: {"statement": f"{name} {language}", "missing_statement": f"no {name} {language}"}
                        for language in ("en", "es")
                    },
                }
                for name, kind in KINDS.items()
            },
        }
    )  # fmt: skip
    finder = ReasonFinder(BUREAU, library, floor=floor, limit=4)
    found = finder.key_factors(np.array(attributions), np.zeros(7))
    return None if found is None else [factor.reason_group for factor in found]


def test_a_score_that_is_no_credit_score_has_no_key_factors():
    assert key_factors([1.0] * 7, is_score=False) is None


def test_inquiries_are_a_fifth_key_factor_where_they_weighed_least():
    assert key_factors([0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.9]) == ["a", "b", "c", "d", "asked"]


def test_inquiries_among_the_first_four_leave_no_fifth():
    assert key_factors([0.6, 0.5, 0.4, 0.3, 0.2, 0.55, 0.9]) == ["a", "asked", "b", "c"]


def test_inquiries_that_helped_or_did_not_matter_are_no_key_factor():
    assert key_factors([0.6, 0.5, 0.4, 0.3, 0.2, -0.1, 0.0]) == ["a", "b", "c", "d"]
    assert key_factors([0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0], floor=0.15) == ["a", "b", "c", "d"]


def test_a_credit_score_with_nothing_against_has_an_empty_list():
    assert key_factors([-1.0] * 7) == []


def test_kept_reasons_are_said_in_another_language_of_their_library():
    library = ReasonLibrary.from_json(
        {
            "languages": ["en", "es"],
            "is_fcra_credit_score": False,
            "groups": {
                "income": {
                    "code": "R01",
                    "sample_form": "other",
                    "key_factor": "no",
                    "texts": {
                        "en": {"statement": "Income", "missing_statement": "Income not known"},
                        "es": {"statement": "Ingresos", "missing_statement": "Ingresos no conocidos"},
                    },
                }
            },
        }
    )  # fmt: skip
    kept = [{"reason_group": "income", "statement": "Income not known"}]

    assert in_language(kept, library, "es") == ["Ingresos no conocidos"]
    with pytest.raises(KeyError):
        in_language(kept, library, "fr")

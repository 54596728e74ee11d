"""The validator of a contract is compiled once, and says of every application what each feature's own check says."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from registry.requests import feature_problems
from tests.registry.applicants import CONTRACT, an_application

BARRED = frozenset({"Sex", "age"})
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["car", "medical", "boat", 2**53, -(2**53) - 1, 10**400, [1], {"x": 1}])
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "dti": st.floats(0, 100) | st.integers(0, 100),
    "income": st.none() | st.floats(0, 1_000_000),
    "delinquencies": st.integers(0, 20),
    "homeowner": st.booleans(),
    "purpose": st.sampled_from(["car", "education", "medical", None]),
}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, object]:
    """Applications that fit but for a few members, which are anything or not there."""
    document: dict[str, object] = draw(st.fixed_dictionaries(FITTING))
    for name in draw(st.sets(st.sampled_from(sorted(FITTING)), max_size=3)):
        del document[name]
        if draw(st.booleans()):
            document[name] = draw(ANYTHING)
    surplus = st.sampled_from(["SEX", "age", "colour", "DTI"])
    return document | draw(st.dictionaries(surplus, ANYTHING, max_size=2))


def test_every_kind_of_problem_is_named_at_once_in_order_and_in_words_with_units() -> None:
    application = an_application(
        dti=float("nan"), income=-1, homeowner="yes", purpose="boat", SEX="f", colour="red"
    )
    del application["delinquencies"]

    told = [(one.field, one.type, one.detail) for one in CONTRACT.problems(application, BARRED)]

    assert told == [
        ("SEX", "protected_attribute", "A protected attribute may not be scored."),
        ("colour", "unexpected", "The model has no such feature."),
        ("dti", "not_finite", "Must be a finite number, not NaN or Infinity."),
        ("income", "out_of_range", "Must be from 0 to 1,000,000 USD per year."),
        ("delinquencies", "missing", "The model needs this feature."),
        ("homeowner", "wrong_type", "Must be true or false, not a text."),
        ("purpose", "unknown_category", "Not a known category. Allowed: car, education, medical."),
    ]


@given(documents())
def test_the_one_pass_and_the_list_agree_with_the_checks_of_the_features(
    document: dict[str, object],
) -> None:
    surplus = [name for name in document if name not in FITTING]
    wrong = [
        name
        for name, check in CONTRACT.checks.items()
        if name not in document or check(document[name])
    ]

    problems = CONTRACT.problems(document, BARRED)

    assert [problem.field for problem in problems] == surplus + wrong
    assert CONTRACT.validator(BARRED).takes(document) == (not problems)
    assert {(one.field, one.type) for one in feature_problems(document, CONTRACT, BARRED)} == {
        (one.field, one.type) for one in problems
    }


def test_a_contract_compiles_one_validator_for_the_names_that_are_barred() -> None:
    assert CONTRACT.validator(frozenset({"age", "Sex"})) is CONTRACT.validator(BARRED)
    assert CONTRACT.validator(frozenset()) is not CONTRACT.validator(BARRED)


def test_a_feature_that_is_barred_is_neither_taken_nor_asked_for() -> None:
    without = an_application()
    del without["dti"]

    barred = frozenset({"DTI"})

    assert CONTRACT.problems(without, barred) == []
    assert [one.type for one in CONTRACT.problems(an_application(), barred)] == [
        "protected_attribute"
    ]

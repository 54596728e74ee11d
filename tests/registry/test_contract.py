"""The feature contract: what is wrong with an application, and how it becomes numbers."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.contract import Column, FeatureContract
from registry.errors import ContractMalformed
from tests.registry.applicants import CONTRACT, an_application


def types_of(application: dict[str, Any], protected: tuple[str, ...] = ()) -> dict[str, str]:
    return {problem.field: problem.type for problem in CONTRACT.problems(application, protected)}


def a_contract(**feature: Any) -> FeatureContract:
    return FeatureContract.from_json({"features": [{"name": "x", "type": "number", **feature}]})


def test_an_ordinary_application_has_no_problems() -> None:
    assert CONTRACT.problems(an_application()) == []


def test_every_problem_of_an_application_is_named_at_once() -> None:
    application = an_application(
        dti=101, income="62000", homeowner=1, purpose="boat", SEX="f", colour="red"
    )
    del application["delinquencies"]

    assert types_of(application, protected=("Sex", "age")) == {
        "SEX": "protected_attribute",
        "colour": "unexpected",
        "dti": "out_of_range",
        "income": "wrong_type",
        "delinquencies": "missing",
        "homeowner": "wrong_type",
        "purpose": "unknown_category",
    }


@pytest.mark.parametrize("value", [True, "5", [5], {"x": 5}])
def test_nothing_is_coerced_into_a_number(value: object) -> None:
    assert types_of(an_application(dti=value)) == {"dti": "wrong_type"}


@pytest.mark.parametrize("value", [1.0, True, "1"])
def test_nothing_is_coerced_into_a_whole_number(value: object) -> None:
    assert types_of(an_application(delinquencies=value)) == {"delinquencies": "wrong_type"}


@pytest.mark.parametrize("value", [0, 1, "true"])
def test_nothing_is_coerced_into_true_or_false(value: object) -> None:
    assert types_of(an_application(homeowner=value)) == {"homeowner": "wrong_type"}


def test_a_whole_number_may_be_given_where_a_number_is_asked_for() -> None:
    assert CONTRACT.problems(an_application(dti=21, income=62_000)) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_must_be_finite(value: float) -> None:
    assert types_of(an_application(dti=value)) == {"dti": "not_finite"}


def test_a_number_out_of_range_is_refused_with_range_and_unit() -> None:
    (problem,) = CONTRACT.problems(an_application(dti=-0.1))

    assert problem.detail == "Must be from 0 to 100 % of monthly income."


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"minimum": 0, "maximum": 1_000_000, "unit": "USD"}, "from 0 to 1,000,000 USD"),
        ({"minimum": -0.25}, "at least -0.25"),
        ({"maximum": 1.19, "unit": "share"}, "at most 1.19 share"),
    ],
)
def test_a_range_is_written_as_people_write_it(bounds: dict[str, Any], words: str) -> None:
    assert a_contract(**bounds).features[0].range_in_words == words


def test_the_bounds_themselves_are_in_range() -> None:
    assert CONTRACT.problems(an_application(dti=0, delinquencies=20)) == []


def test_a_whole_number_that_no_double_holds_is_out_of_range() -> None:
    contract = a_contract()

    assert [problem.type for problem in contract.problems({"x": 10**400})] == ["out_of_range"]


def test_an_unknown_category_is_refused_with_the_known_ones() -> None:
    (problem,) = CONTRACT.problems(an_application(purpose="Car"))

    assert problem.detail == "Not a known category. Allowed: car, education, medical."


def test_null_is_an_answer_only_where_missing_is_allowed() -> None:
    assert types_of(an_application(income=None, dti=None)) == {"dti": "missing"}


def test_a_feature_that_is_not_sent_is_missing_even_where_null_is_allowed() -> None:
    application = an_application()
    del application["income"]

    (problem,) = CONTRACT.problems(application)

    assert (problem.field, problem.type) == ("income", "missing")
    assert "null" in problem.detail


def test_no_problem_repeats_a_value() -> None:
    application = an_application(dti=987654.25, purpose="a secret", income="another")

    for problem in CONTRACT.problems(application):
        assert not any(text in problem.detail for text in ("987654", "secret", "another"))


def test_a_feature_of_the_contract_that_is_protected_is_refused() -> None:
    assert types_of(an_application(), protected=("DTI",)) == {"dti": "protected_attribute"}


def test_categories_become_one_column_each_and_one_for_missing() -> None:
    assert CONTRACT.columns == (
        Column("dti"),
        Column("income"),
        Column("delinquencies"),
        Column("homeowner"),
        Column("purpose", "car"),
        Column("purpose", "education"),
        Column("purpose", "medical"),
        Column("purpose", "(missing)"),
    )
    assert CONTRACT.players.tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert CONTRACT.monotonic_cst == [1, 0, 0, 0, 0, 0, 0, 0]


def test_an_application_becomes_the_numbers_an_estimator_takes() -> None:
    packed = CONTRACT.pack([an_application(), an_application(income=None, purpose=None)])

    assert packed.tolist()[0] == [21.5, 62_000.0, 1.0, 1.0, 0.0]
    assert CONTRACT.matrix(packed)[0].tolist() == [21.5, 62_000.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    assert np.isnan(packed[1, [1, 4]]).all()
    assert CONTRACT.matrix(packed)[1, 4:].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_contract_without_categories_takes_the_packed_numbers_as_they_are() -> None:
    packed = a_contract().pack([{"x": 3.5}])

    assert a_contract().matrix(packed).tolist() == [[3.5]]


@given(
    st.fixed_dictionaries(
        {
            "dti": st.floats(0, 100),
            "income": st.none() | st.floats(0, 1_000_000),
            "delinquencies": st.integers(0, 20),
            "homeowner": st.booleans(),
            "purpose": st.sampled_from(["car", "education", "medical", None]),
        }
    )
)
def test_what_was_packed_comes_out_again(application: dict[str, Any]) -> None:
    assert CONTRACT.problems(application) == []

    unpacked = CONTRACT.unpack(CONTRACT.pack([application])[0])

    assert unpacked == application
    for name, value in application.items():
        assert type(unpacked[name]) is type(value)


def test_a_contract_survives_json_and_keeps_its_digest() -> None:
    again = FeatureContract.from_json(CONTRACT.as_json())

    assert again == FeatureContract.from_json(again.as_json())
    assert again.sha256 == CONTRACT.sha256
    assert a_contract(maximum=5).sha256 != a_contract(maximum=6).sha256
    assert a_contract(maximum=5).sha256 == a_contract(maximum=5.0).sha256


@pytest.mark.parametrize(
    ("feature", "key"),
    [
        ({"type": "float"}, "type"),
        ({"missing": "sometimes"}, "missing"),
        ({"monotone": "up"}, "monotone"),
        ({"minimum": 2, "maximum": 1}, "minimum"),
        ({"minimum": math.nan}, "minimum"),
        ({"maximum": "1"}, "maximum"),
        ({"type": "category"}, "categories"),
        ({"type": "category", "categories": ["a", "a"]}, "categories"),
        ({"type": "category", "categories": ["(missing)"]}, "categories"),
        ({"type": "category", "categories": ["a"], "monotone": "increasing"}, "monotone"),
        ({"type": "category", "categories": ["a"], "minimum": 1}, "minimum"),
        ({"type": "boolean", "maximum": 1}, "maximum"),
        ({"categories": ["a"]}, "categories"),
        ({"categories": "a"}, "categories"),
        ({"name": "Größe"}, "name"),
        ({"unti": "USD"}, "unti"),
        ({"unit": 5}, "unit"),
        ({"table": "bureau"}, "table"),
        ({"table": "feast:risk"}, "table"),
        ({"table": "bureau/1", "ttl_seconds": 60}, "ttl_seconds"),
        ({"ttl_seconds": 60}, "ttl_seconds"),
        ({"table": "feast:risk/bureau"}, "ttl_seconds"),
        ({"table": "feast:risk/bureau", "ttl_seconds": 0}, "ttl_seconds"),
        ({"table": "feast:risk/bureau", "ttl_seconds": 60.0}, "ttl_seconds"),
        ({"table": "feast:risk/bureau", "ttl_seconds": True}, "ttl_seconds"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_refused_by_its_key(
    feature: dict[str, Any], key: str
) -> None:
    with pytest.raises(ContractMalformed) as refusal:
        a_contract(**feature)

    assert [problem.field.rpartition(".")[2] for problem in refusal.value.errors] == [key]


def test_an_application_brings_what_neither_a_table_nor_an_online_store_holds() -> None:
    online = {"table": "feast:risk/bureau", "ttl_seconds": 60}
    declared = [
        {"name": "given", "type": "number"},
        {"name": "in_table", "type": "number", "table": "bureau/2"},
        {"name": "online", "type": "number", **online},
    ]

    contract = FeatureContract.from_json({"features": declared})

    assert contract.given.names == ("given",)
    assert contract.looked_up == {"in_table", "online"}
    assert (list(contract.tables), list(contract.views)) == (["bureau/2"], ["feast:risk/bureau"])
    assert contract.as_json()["features"][2].items() >= online.items()
    assert "ttl_seconds" not in contract.as_json()["features"][1]
    assert FeatureContract.from_json(contract.as_json()).sha256 == contract.sha256


def test_a_contract_that_names_a_feature_twice_or_none_is_refused() -> None:
    feature = {"name": "x", "type": "number"}

    for features in ([feature, feature], []):
        with pytest.raises(ContractMalformed):
            FeatureContract.from_json({"features": features})

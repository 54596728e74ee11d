"""What applicants may be told, and what a library of it must say."""

from copy import deepcopy
from typing import Any

import pytest

from registry.description import Description
from registry.policies import body_problems
from registry.reason_library import LibraryUnreadable, ReasonLibrary, Texts, sample_form_items
from tests.registry.builders import REASON_BODY

INCOME = {
    "code": "R01",
    "sample_form": "Income insufficient for amount of credit requested",
    "key_factor": "no",
    "texts": {
        "en": {
            "statement": "Income in relation to the amount requested",
            "missing_statement": "Unable to verify income",
        },
        "es": {
            "statement": "Ingresos en relación con el importe solicitado",
            "missing_statement": "No se pudieron verificar los ingresos",
        },
    },
}
INQUIRIES = {
    "code": "R02",
    "sample_form": "other",
    "key_factor": "inquiries",
    "texts": {
        "en": {
            "statement": "Applications for credit in the last six months",
            "missing_statement": "No record of applications for credit",
        },
        "es": {
            "statement": "Solicitudes de crédito en los últimos seis meses",
            "missing_statement": "Sin datos sobre solicitudes de crédito",
        },
    },
}
BODY: dict[str, Any] = {
    "languages": ["en", "es"],
    "is_fcra_credit_score": True,
    "groups": {"income": INCOME, "inquiries": INQUIRIES},
}


def a_body(**texts: str) -> dict[str, Any]:
    """The body with other English texts of the group `income`."""
    body = deepcopy(BODY)
    body["groups"]["income"]["texts"]["en"] |= texts
    return body


def faults(body: dict[str, Any]) -> dict[str, str]:
    return {each.field: each.detail for each in body_problems("reason_library", body)}


def test_a_library_speaks_every_one_of_its_languages_and_decisions_the_first():
    library = ReasonLibrary.from_json(BODY)

    assert faults(BODY) == {}
    assert library.texts_of("income") == Texts(**INCOME["texts"]["en"])
    assert library.texts_of("income", "es") == Texts(**INCOME["texts"]["es"])
    assert library.groups["inquiries"].key_factor == "inquiries"
    assert library.is_fcra_credit_score


def test_a_library_of_one_language_from_before_is_read_as_one_of_several():
    library = ReasonLibrary.from_json(REASON_BODY)

    assert library.languages == ("en",)
    assert library.texts_of("income").statement == REASON_BODY["groups"]["income"]["statement"]
    assert library.groups["income"].sample_form is None
    assert not library.is_fcra_credit_score


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"groups": {}},
        {"language": "en", "groups": {"a": "text"}},
        {**BODY, "languages": ["de"]},
    ],
)
def test_a_library_that_cannot_be_read_is_never_an_empty_one(body):
    with pytest.raises(LibraryUnreadable):
        ReasonLibrary.from_json(body)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"languages": []}, "body.languages"),
        ({"languages": ["en", "es", "en"]}, "body.languages"),
        ({"languages": ["en"]}, "body.groups.income.texts.es"),
        ({"languages": ["en", "es", "de"]}, "body.groups.income.texts.de"),
        ({"is_fcra_credit_score": None}, "body.is_fcra_credit_score"),
        ({"groups": {}}, "body.groups"),
        ({"tone": "friendly"}, "body.tone"),
        ({"groups": {"income": {**INCOME, "sample_form": "Bad luck"}}}, "body.groups.income.sample_form"),
        ({"groups": {"income": {**INCOME, "key_factor": True}}}, "body.groups.income.key_factor"),
        ({"groups": {"income": {**INCOME, "code": " "}}}, "body.groups.income.code"),
        ({"groups": {"income": {**INCOME, "texts": {"en": {}, "es": INCOME["texts"]["es"]}}}}, "body.groups.income.texts.en.statement"),
    ],
)  # fmt: skip
def test_a_library_of_the_wrong_shape_is_refused_by_its_field(changes, field):
    assert field in faults({**BODY, **changes})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("You did not reach a qualifying score", "qualifying score"),
        ("Internal standards were not met", "internal standards"),
        ("Insufficient score", "insufficient score"),
        ("Credit score.", "credit score"),
        ("Credit application incomplete", "incomplete"),
        ("Your marital status", "protected basis"),
        ("Country of national origin", "protected basis"),
        ("Age", "protected basis"),
        ("Income " * 40, "characters"),
    ],
)
def test_a_reason_that_says_nothing_or_what_it_may_not_is_refused_with_the_source(text, why):
    found = faults(a_body(statement=text))

    assert list(found) == ["body.groups.income.texts.en.statement"]
    assert why in found["body.groups.income.texts.en.statement"]


@pytest.mark.parametrize(
    "text",
    ["Age of the oldest credit account", "Number of credit cards", "Length of employment in Essex"],
)
def test_a_word_inside_another_or_of_another_thing_is_no_protected_basis(text):
    assert faults(a_body(statement=text)) == {}


def test_a_missing_value_is_not_worded_as_behaviour():
    found = faults(a_body(missing_statement="income in relation to the amount requested."))

    assert list(found) == ["body.groups.income.texts.en.missing_statement"]


def test_two_groups_that_say_the_same_are_both_named():
    said = INQUIRIES["texts"]["en"]["missing_statement"]

    assert list(faults(a_body(missing_statement=said))) == [
        "body.groups.income.texts.en.missing_statement",
        "body.groups.inquiries.texts.en.missing_statement",
    ]


def test_two_groups_do_not_share_a_code():
    body = deepcopy(BODY)
    body["groups"]["inquiries"]["code"] = "R01"

    assert list(faults(body)) == ["body.groups.income.code", "body.groups.inquiries.code"]


def test_a_decided_application_is_not_mapped_to_an_incomplete_one():
    body = deepcopy(BODY)
    body["groups"]["income"]["sample_form"] = "Credit application incomplete"

    assert list(faults(body)) == ["body.groups.income.sample_form"]


def test_the_texts_of_a_library_from_before_are_read_as_closely():
    body = deepcopy(REASON_BODY)
    body["groups"]["income"]["statement"] = "Lending policy"

    assert list(faults(body)) == ["body.groups.income.statement"]


def test_the_sample_form_has_every_item_of_the_regulation_but_other():
    # Form C-1, Part I, lists 24 items, the last of which is "Other, specify".
    assert len(sample_form_items()) == len(set(sample_form_items())) == 23


def test_the_descriptions_that_we_ship_give_libraries_that_may_be_proposed(pytestconfig):
    shipped = [*pytestconfig.rootpath.glob("governance/demo/*.toml"), *pytestconfig.rootpath.glob("docs/examples/*.toml")]  # fmt: skip

    descriptions = [path for path in shipped if path.read_text("utf-8").count("\n[dataset]")]
    assert len(descriptions) > 1
    for path in descriptions:
        library = Description.from_toml(path.read_text("utf-8")).reason_library()
        assert faults(library) == {}, path.name

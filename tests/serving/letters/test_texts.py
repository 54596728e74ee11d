"""The letter as policy: everything that is wrong with it is named before anybody receives one."""

import copy
from datetime import date

import pytest

from governance.queries.policies import require_readable
from serving.errors import LetterLanguageUnknown, LetterPolicyMalformed
from serving.letters.texts import LetterPolicy
from serving.letters.wording import worded
from tests.registry.builders import a_policy
from tests.serving.letters.builders import a_letter_body

FACTS = {
    "decision_id": "01a2",
    "decided_at": "2026-11-29T10:00:00.000000Z",
    "outcome": "referred",
    "decision_path": "grey_band",
    "model": {"name": "loans", "title": "Consumer loans", "version": 3, "purpose": "To lend."},
    "score": {"pd": 0.28754, "cut_off": 0.3},
    "reasons": [],
    "data": [
        {
            "feature": "utilisation",
            "unit": "of limit",
            "value": 1234.5,
            "source": {
                "kind": "feature_table",
                "table": "bureau/1",
                "state": "fresh",
                "event_at": "2026-11-20T00:00:00.000000Z",
            },
            "direction": "for",
            "share": 1.0,
        },
        {
            "feature": "grade",
            "unit": "",
            "value": None,
            "source": {"kind": "feature_table", "table": "bureau/1", "state": "stale"},
            "direction": "none",
            "share": 0.0,
        },
    ],
    "counterfactuals": {"state": "none_found", "found": []},
    "policy": {"jurisdiction": "EU"},
}


def a_body(**texts):
    body = copy.deepcopy(a_letter_body())
    body["explanation_letter"]["languages"]["en"] |= texts
    return body


def problems_of(body):
    with pytest.raises(LetterPolicyMalformed) as refused:
        LetterPolicy.from_json(body)
    return {problem.field.removeprefix("explanation_letter.") for problem in refused.value.errors}


def said(body, language="en"):
    document = worded(FACTS, LetterPolicy.from_json(body), language, date(2026, 12, 1)).as_json()
    texts = [text for section in document["sections"] for text in section["paragraphs"]]
    rows = [[cell["text"] for cell in row] for row in document["sections"][1]["tables"][0]["rows"]]
    return document, texts, rows


def test_the_example_can_be_used():
    assert LetterPolicy.from_json(a_letter_body()).texts("en").language == "en"


def test_parts_of_other_letters_are_left_to_others():
    assert LetterPolicy.from_json(a_letter_body() | {"adverse_action": {"any": "thing"}})
    assert LetterPolicy.from_json({"adverse_action": {"any": "thing"}}) is None


def test_everything_that_is_wrong_is_named_at_once():
    body = a_body(title=" ", path_score="It was {score}.", kind="{", contact=[], tone="warm")
    del body["explanation_letter"]["languages"]["en"]["heading_data"]
    body["explanation_letter"] |= {
        "weights": {"strong": 0.1, "moderate": 0.2},
        "legal_basis": [{"clause": "Some Act", "applies_from": "soon"}],
        "changeable": {"dti": {"direction": "sideways"}},
        "colour": "red",
    }

    assert problems_of(body) == {
        "colour",
        "weights",
        "legal_basis.0",
        "changeable.dti.direction",
        "languages.en.title",
        "languages.en.path_score",
        "languages.en.kind",
        "languages.en.contact",
        "languages.en.tone",
        "languages.en.heading_data",
    }


@pytest.mark.parametrize("text", ["{pd.__class__}", "{pd!r}", "{pd:>99}", "{0}", "{}"])
def test_a_place_is_filled_in_and_nothing_else_is_done_with_it(text):
    assert problems_of(a_body(path_score=text)) == {"languages.en.path_score"}


def test_two_features_do_not_share_a_name():
    body = a_body(features={"dti": "Debt", "obligations": "Debt"})

    assert problems_of(body) == {"languages.en.features"}


@pytest.mark.django_db
def test_a_letter_that_cannot_be_used_is_not_put_to_a_vote():
    with pytest.raises(LetterPolicyMalformed):
        require_readable(a_policy("notice", a_body(title=""), adopted=False))


def test_a_language_has_its_own_marks_and_names():
    body = a_body(decimal_mark=",", thousands_mark=".", features={"utilisation": "Ausschöpfung"})

    _, texts, rows = said(body)

    assert any("28,75 %" in text for text in texts)
    assert rows[0][:2] == ["Ausschöpfung", "1.234,5"]


def test_what_was_looked_up_says_where_and_how_fresh():
    _, texts, rows = said(a_letter_body())

    assert rows == [
        ["utilisation (of limit)", "1,234.5", "our records (bureau/1), as of 2026-11-20", "strongly for you"],
        ["grade", "not known", "our records (bureau/1) were too old to be used", "did not matter"],
    ]  # fmt: skip
    assert any(text.startswith("A person decides about your application") for text in texts)
    assert any("found none after which" in text for text in texts)


def test_there_is_no_letter_in_a_language_without_texts():
    with pytest.raises(LetterLanguageUnknown):
        said(a_letter_body(), "fr")

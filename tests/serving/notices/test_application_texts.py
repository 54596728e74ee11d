"""The words of counteroffers and of what is missing are approved with the rest, and whole."""

import copy
from contextlib import suppress

import pytest

from serving.errors import NoticeTextsMalformed
from serving.notices.application_texts import WORDS, ApplicationTexts
from tests.serving.notices.builders import the_example


@pytest.mark.parametrize("part", WORDS)
def test_the_example_of_the_documentation_can_be_used(part):
    texts = ApplicationTexts.from_json(the_example()["body"], part)

    assert texts is not None
    assert texts.days == 30
    assert set(texts.words) == set(WORDS[part])


def test_a_policy_need_not_speak_of_them():
    assert ApplicationTexts.from_json({}, "counteroffer") is None


@pytest.mark.parametrize("part", WORDS)
def test_every_text_that_is_missing_is_named_at_once(part):
    body = copy.deepcopy(the_example()["body"])
    del body[part]["legal_basis"], body[part]["words"]["action"], body[part]["words"]["footer"]
    body[part]["words"]["title"] = " "
    body[part]["words"]["colour"] = "blue"
    body[part]["days"] = 0
    body[part]["more"] = "x"

    with pytest.raises(NoticeTextsMalformed) as refused:
        ApplicationTexts.from_json(body, part)

    assert {problem.field.removeprefix(f"{part}.") for problem in refused.value.errors} == {
        "legal_basis", "words.action", "words.footer", "words.title", "words.colour", "days", "more",
    }  # fmt: skip


@pytest.mark.parametrize("part", WORDS)
def test_nobody_is_given_more_than_a_year_to_answer(part):
    body = copy.deepcopy(the_example()["body"])
    body[part]["days"] = 5_000_000

    with pytest.raises(NoticeTextsMalformed) as refused:
        ApplicationTexts.from_json(body, part)

    assert [problem.field for problem in refused.value.errors] == [f"{part}.days"]


@pytest.mark.parametrize("key", ["legal_basis", "days", "words", None])
@pytest.mark.parametrize("nonsense", [7, [], {}, "", [1], {"x": 1}, None])
def test_no_body_makes_the_reader_stumble(key, nonsense):
    body = the_example()["body"]
    changed = body | {"counteroffer": body["counteroffer"] | {key: nonsense} if key else nonsense}

    with suppress(NoticeTextsMalformed):
        ApplicationTexts.from_json(changed, "counteroffer")

"""A notice policy is read whole: everything wrong with it is named at once, and nothing is left to the code."""

import copy
from contextlib import suppress

import pytest

from serving.errors import NoticeTextsMalformed
from serving.notices.texts import NoticeTexts
from tests.serving.notices.builders import the_example

SCORE = {
    "heading": "Your credit score", "statement": "We used this score.", "value": "Score", "range": "Range",
    "created_on": "Created on", "supplied_by": "Supplied by", "supplier": "Example Bank", "key_factors": "Key factors",
    "of": "pd", "decimals": 3, "lowest": 0, "highest": 1,
}  # fmt: skip


def read(**changes):
    example = the_example()
    return NoticeTexts.from_json(
        {**example["body"]["adverse_action"], **changes},
        example["jurisdiction"],
        example["legal_basis"],
    )


def problems_of(body, jurisdiction="US", legal_basis=("12 CFR 1002.9",)):
    with pytest.raises(NoticeTextsMalformed) as refused:
        NoticeTexts.from_json(body, jurisdiction, legal_basis)
    return {problem.field for problem in refused.value.errors}


def test_the_example_of_the_documentation_can_be_used():
    texts = read()

    assert texts.clocks["notice"].days == 30
    assert texts.clocks["notice"].alert_days == (20, 25)
    assert texts.clocks["counteroffer"].days == 90
    assert texts.credit_score is None


def test_a_credit_score_can_be_described():
    assert read(credit_score=SCORE).credit_score == SCORE


def test_everything_that_is_wrong_is_named_at_once():
    body = copy.deepcopy(the_example()["body"]["adverse_action"])
    del body["contact"], body["words"]["action"], body["clocks"]["incomplete"]
    body["channels"] = []
    body["creditor"]["address"] = "1 Example Plaza"
    body["agency"]["country"] = "US"
    body["words"]["title"] = " "
    body["consumer_report"]["bureau"].pop("telephone")
    body["consumer_report"]["rights"] = ["", "x"]
    body["credit_score"] = {**SCORE, "of": "luck", "decimals": 1.5, "lowest": "0", "heading": ""}
    body["clocks"]["notice"] |= {"days": 0}
    body["clocks"]["counteroffer"] |= {"alert_days": [80, 60], "legal_basis": ""}
    body["watched_days"] = True
    body["colour"] = "blue"

    assert problems_of(body, jurisdiction="", legal_basis=()) == {
        "jurisdiction", "legal_basis", "body.contact", "body.colour", "words.action", "words.title", "channels",
        "creditor.address", "agency.country", "consumer_report.bureau.telephone", "consumer_report.rights",
        "credit_score.of", "credit_score.decimals", "credit_score.lowest", "credit_score.heading", "clocks.incomplete",
        "clocks.notice.days", "clocks.counteroffer.alert_days", "clocks.counteroffer.legal_basis", "watched_days",
    }  # fmt: skip


def test_no_alert_day_lies_on_or_after_the_last_day():
    body = the_example()["body"]["adverse_action"]
    body["clocks"]["notice"]["alert_days"] = [20, 30]

    assert problems_of(body) == {"clocks.notice.alert_days"}


@pytest.mark.parametrize("days", [0, 367, 5_000_000])
def test_no_days_are_fewer_than_one_or_more_than_a_year(days):
    body = copy.deepcopy(the_example()["body"]["adverse_action"])
    body["clocks"]["notice"]["days"] = days
    body["watched_days"] = days

    assert problems_of(body) == {"clocks.notice.days", "watched_days"}


@pytest.mark.parametrize("part", list(the_example()["body"]["adverse_action"]))
@pytest.mark.parametrize("nonsense", [7, [], {}, "", [1], {"x": 1}])
def test_no_body_makes_the_reader_stumble(part, nonsense):
    body = the_example()["body"]["adverse_action"] | {part: nonsense}

    with suppress(NoticeTextsMalformed):
        NoticeTexts.from_json(body, "US", ["12 CFR 1002.9"])

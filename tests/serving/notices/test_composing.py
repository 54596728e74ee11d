"""What notices hold: 12 CFR 1002.9(a)(2), (b), (c) and FCRA 615(a), from approved texts and what they are about."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from audit.canonical import canonical_json, plain
from serving.errors import KeyFactorsUnknown
from serving.notices.application_texts import ApplicationTexts
from serving.notices.composing import (
    About,
    ActionTaken,
    Lacking,
    Offer,
    Refused,
    adverse_action_notice,
    counteroffer_notice,
    incompleteness_notice,
)
from serving.notices.rendering import notice_page, notice_pdf
from tests.serving.notices.builders import the_example
from tests.serving.notices.test_texts import SCORE, read

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECLINED = ActionTaken(
    "declined",
    ("Total monthly obligations in relation to income", "Number of recent late payments"),
    datetime(2026, 11, 19, 9, tzinfo=UTC),
)
ABOUT = About("d-1", "a-1", {"pd": 0.26894, "margin": -1.0})


def composed(about=ABOUT, action=DECLINED, **changes):
    return adverse_action_notice(read(**changes), action, about, NOW)


def text_of(page: bytes) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page.decode(), flags=re.S).split())


def test_a_notice_says_everything_that_regulation_b_asks_for():
    document = composed()

    assert document["action_taken"] == read().words["action"]
    assert document["creditor"]["name"] == "Example Bank, N.A."
    assert document["creditor"]["address"]
    assert "prohibits creditors from discriminating" in document["equal_credit"]["notice"]
    assert document["equal_credit"]["agency"]["name"] == "Bureau of Consumer Financial Protection"
    assert document["principal_reasons"]["statements"] == list(DECLINED.reasons)
    assert ["Date of this notice", "2026-11-20"] in document["facts"]
    assert ["Date of the decision", "2026-11-19"] in document["facts"]


def test_the_applicant_s_name_is_left_for_the_bank_to_fill_in():
    assert composed()["recipient"] == {
        "label": "Name and address of the applicant, filled in by the bank",
        "name": "",
        "address": "",
    }


def test_the_report_s_bureau_and_rights_are_named_where_the_policy_says_that_one_was_used():
    report = composed()["consumer_report"]

    assert report["bureau"]["telephone"]
    assert "played no part in our decision" in report["statement"]
    assert any("60 days" in right for right in report["rights"])
    assert any("dispute" in right for right in report["rights"])
    assert composed(consumer_report=None)["consumer_report"] is None


def test_a_credit_score_comes_with_its_range_date_supplier_and_its_own_key_factors():
    factors = ("Proportion of balances to credit limits", "Number of inquiries")
    score = composed(replace(ABOUT, key_factors=factors), credit_score=SCORE)["credit_score"]

    assert score["facts"] == [
        ["Score", "0.269"],
        ["Range", "0 - 1"],
        ["Created on", "2026-11-19"],
        ["Supplied by", "Example Bank"],
    ]
    assert score["key_factors"]["statements"] == list(factors)


def test_a_credit_score_without_key_factors_is_no_notice():
    with pytest.raises(KeyFactorsUnknown):
        composed(credit_score=SCORE)


def test_the_same_inputs_give_the_same_bytes_in_every_form():
    first, second = composed(), composed()

    assert canonical_json(plain(first)) == canonical_json(plain(second))
    assert notice_page(first) == notice_page(second)
    assert notice_pdf(first, NOW) == notice_pdf(second, NOW)


def part(name):
    texts = ApplicationTexts.from_json(the_example()["body"], name)
    assert texts is not None
    return texts


OFFER = Offer(
    "a-1",
    date(2026, 11, 20),
    date(2026, 12, 20),
    ("USD 25,000", "60 months"),
    ("USD 15,000", "48 months", "9.9 % a year"),
    Refused(DECLINED, ABOUT),
)
LACKING = Lacking("a-1", date(2026, 11, 18), date(2026, 12, 20), ("Proof of income",))


def offered(offer=OFFER, **changes):
    return counteroffer_notice(read(**changes), part("counteroffer"), offer, NOW)


def lacking():
    return incompleteness_notice(read(), part("incompleteness"), LACKING, NOW)


def test_a_counteroffer_says_what_form_c_4_says():
    document = offered()

    asked, instead = document["terms"]
    assert "unable to offer you credit on the terms that you requested" in document["action_taken"]
    assert asked["statements"] == ["USD 25,000", "60 months"]
    assert instead["statements"] == ["USD 15,000", "48 months", "9.9 % a year"]
    assert ["Offer open until", "2026-12-20"] in document["facts"]
    assert "please let us know by the date above" in document["next_step"]
    assert document["principal_reasons"]["statements"] == list(DECLINED.reasons)
    assert ["Our reference", "d-1"] in document["facts"]
    assert document["consumer_report"]["bureau"]["telephone"]
    assert "prohibits creditors from discriminating" in document["equal_credit"]["notice"]
    assert document["equal_credit"]["agency"]["name"] == "Bureau of Consumer Financial Protection"
    assert (
        document["legal_basis"][-1]
        == "12 CFR 1002.9(a)(1)(iv) with comment 9(a)(1)-6, Appendix C form C-4"
    )


def test_a_counteroffer_that_nothing_was_declined_before_gives_no_reasons_and_no_score():
    document = offered(replace(OFFER, refused=None), credit_score=SCORE)

    assert document["principal_reasons"] is None
    assert document["consumer_report"] is None
    assert document["credit_score"] is None
    assert document["equal_credit"]["notice"]
    assert not any(name == "Our reference" for name, _ in document["facts"])


def test_what_is_missing_is_asked_for_as_form_c_6_does_and_is_no_reason():
    document = lacking()

    [missing] = document["terms"]
    assert missing["statements"] == ["Proof of income"]
    assert ["Information needed by", "2026-12-20"] in document["facts"]
    assert "unable to give further consideration" in document["next_step"]
    assert document["legal_basis"] == ["12 CFR 1002.9(c)(2), Appendix C form C-6"]
    assert document["principal_reasons"] is None
    assert document["consumer_report"] is None
    assert document["creditor"]["address"]
    assert document["contact"]["text"]


SCORED = replace(ABOUT, key_factors=("Number of inquiries",))


@pytest.mark.parametrize(
    "document",
    [
        composed(SCORED, credit_score=SCORE),
        offered(replace(OFFER, refused=Refused(DECLINED, SCORED)), credit_score=SCORE),
        offered(replace(OFFER, refused=None)),
        lacking(),
    ],
    ids=["adverse action", "counteroffer with reasons", "counteroffer alone", "incompleteness"],
)
def test_page_and_pdf_say_every_text_of_the_document(document):
    page = text_of(notice_page(document))
    reader = PdfReader(BytesIO(notice_pdf(document, NOW)))
    pdf = "".join("".join(sheet.extract_text() for sheet in reader.pages).split())
    footer = re.escape("".join(document["footer"].split()))
    body, footers = re.subn(rf"{footer}\d/\d", "", pdf.replace("’", "'"))

    assert footers == len(reader.pages)
    for text in said(document | {"footer": ""}):
        assert text in page.replace("&#39;", "'"), text
        assert "".join(text.split()) in body, text
    assert document["footer"] in page
    assert reader.metadata.title == document["title"]


def said(piece) -> list[str]:
    """Every text that a reader of the document is to see."""
    if isinstance(piece, str):
        return [piece] if piece else []
    if isinstance(piece, list):
        return [text for each in piece for text in said(each)]
    if isinstance(piece, dict):
        unseen = {"schema", "kind", "language", "jurisdiction", "legal_basis"}
        return [text for name, each in piece.items() if name not in unseen for text in said(each)]
    return []


def test_a_reason_with_markup_in_it_stays_text():
    document = composed(action=replace(DECLINED, reasons=("<script>alert(1)</script> #panic()",)))

    assert b"<script>" not in notice_page(document)
    assert notice_pdf(document, NOW).startswith(b"%PDF")

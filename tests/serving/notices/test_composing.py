"""What an adverse action notice holds: 12 CFR 1002.9(a)(2), (b) and FCRA 615(a), from approved texts and the decision."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from audit.canonical import canonical_json, plain
from serving.errors import KeyFactorsUnknown
from serving.notices.composing import About, ActionTaken, adverse_action_notice
from serving.notices.rendering import notice_page, notice_pdf
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


def test_page_and_pdf_say_every_text_of_the_document():
    factors = ("Number of inquiries",)
    document = composed(replace(ABOUT, key_factors=factors), credit_score=SCORE)

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


def said(part) -> list[str]:
    """Every text that a reader of the document is to see."""
    if isinstance(part, str):
        return [part] if part else []
    if isinstance(part, list):
        return [text for each in part for text in said(each)]
    if isinstance(part, dict):
        unseen = {"schema", "kind", "language", "jurisdiction", "legal_basis"}
        return [text for name, each in part.items() if name not in unseen for text in said(each)]
    return []


def test_a_reason_with_markup_in_it_stays_text():
    document = composed(action=replace(DECLINED, reasons=("<script>alert(1)</script> #panic()",)))

    assert b"<script>" not in notice_page(document)
    assert notice_pdf(document, NOW).startswith(b"%PDF")

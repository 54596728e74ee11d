"""A decision's page: what would have changed it, the letters about it, and whether the log can prove it."""

import pytest

from audit.actions.keys import open_log
from audit.sequencer import seal
from serving.models import ExplanationLetter
from tests.serving.builders import BAD, GOOD, a_decision
from tests.serving.letters.builders import a_letter_policy
from tests.serving.letters.test_explanations import MIDDLING

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(auditor, signed_in):
    return signed_in(auditor)


def page_of(decision, more="change/"):
    return f"/serving/decision/{decision.pk}/{more}"


def text_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_the_version_is_asked_what_would_have_changed_the_result(champion, browser):
    a_letter_policy()
    decision = a_decision(champion, **MIDDLING)
    button = page_of(decision, "counterfactuals")

    assert button in text_of(browser.get(page_of(decision)))
    page = text_of(browser.get(button, follow=True))

    assert 'data-state="found"' in page
    assert 'data-counterfactual="1"' in page
    assert "income" in page


@pytest.mark.parametrize(
    ("features", "part", "state"),
    [
        (GOOD, {}, "not_needed"),
        (BAD, {"changeable": {}}, "nothing_changeable"),
        (BAD, {"changeable": {"homeowner": {"direction": "up"}}}, "none_found"),
    ],
)
def test_where_nothing_would_have_changed_it_the_page_says_so(
    champion, browser, features, part, state
):
    a_letter_policy(**part)
    decision = a_decision(champion, **features)

    page = text_of(browser.get(page_of(decision, "counterfactuals"), follow=True))

    assert f'data-state="{state}"' in page


def test_who_may_not_see_what_applicants_said_sees_no_counterfactual(
    champion, privacy_officer, signed_in
):
    decision = a_decision(champion, **MIDDLING)
    browser = signed_in(privacy_officer)

    assert page_of(decision, "counterfactuals") not in text_of(browser.get(page_of(decision)))
    assert browser.get(page_of(decision, "counterfactuals"), follow=True).status_code == 403


def test_a_letter_is_issued_by_a_button_and_then_linked(champion, privacy_officer, signed_in):
    a_letter_policy()
    decision = a_decision(champion, **BAD)
    browser = signed_in(privacy_officer)
    button = page_of(decision, "explanation-letter/")
    assert button in text_of(browser.get(page_of(decision)))
    assert "None was issued" in text_of(browser.get(page_of(decision)))

    answer = browser.post(button, {"language": "en"}, follow=True)

    assert "Issued: the letter of explanation" in text_of(answer)
    letter = ExplanationLetter.objects.get()
    address = f"/api/v1/decisions/{decision.pk}/explanation?format=pdf&amp;language=en"
    assert address in text_of(browser.get(page_of(decision)))
    window = text_of(browser.get(f"/serving/explanationletter/{letter.pk}/change/"))
    assert letter.sealed_sha256 in window


def test_an_auditor_gets_no_button_to_issue_a_letter(champion, browser):
    decision = a_decision(champion, **BAD)

    assert page_of(decision, "explanation-letter/") not in text_of(browser.get(page_of(decision)))


def test_the_page_says_whether_the_log_can_prove_the_decision(
    settings, tmp_path, operator, auditor, signed_in
):
    for name in ("VAR", "KEYS", "STORE", "ARCHIVE"):
        setattr(settings, f"CREDENCE_{name}", tmp_path / name.lower())
    open_log("credence.test/screens/2026", by=operator)
    browser, decision = signed_in(auditor), a_decision(**BAD)
    before = text_of(browser.get(page_of(decision)))

    seal()

    assert "waits to be sealed" in before
    assert f"/api/v1/decisions/{decision.pk}/proof" in text_of(browser.get(page_of(decision)))

"""The explanation of a decision: facts from the record, a letter in approved words, kept as it was issued."""

import json
from hashlib import sha256
from io import BytesIO

import pypdf
import pytest
from django.db import DatabaseError, transaction
from drf_spectacular.generators import SchemaGenerator

from audit import vault
from audit.actions.subjects import erase_subject
from audit.models import Entry
from audit.reconciliation import public_part
from serving.models import Decision, ExplanationLetter
from serving.queries import decision_with
from serving.tasks import forget_erased
from tests.conftest import a_person
from tests.serving.builders import BAD, GOOD, a_decision, an_application, the_client
from tests.serving.letters.builders import CHANGEABLE, a_letter_policy, the_letter_writer

pytestmark = pytest.mark.django_db
MIDDLING = {"dti": 40.0, "income": 30_000.0, "delinquencies": 2, "homeowner": False, "purpose": "medical"}  # fmt: skip


@pytest.fixture
def writer(db):
    return the_letter_writer()


@pytest.fixture
def browser(writer, signed_in):
    return signed_in(writer)


def address(decision):
    return f"/api/v1/decisions/{decision.pk}/explanation"


def issue(browser, decision, language="en"):
    body = json.dumps({"language": language})
    return browser.post(address(decision), body, content_type="application/json")


def test_the_facts_are_those_of_the_record(champion, browser):
    a_letter_policy()
    decision = a_decision(champion, **MIDDLING)

    facts = browser.get(address(decision)).json()

    seen = decision_with(decision.pk).observation
    assert facts["outcome"] == "declined"
    assert facts["score"]["pd"] == seen.pd
    assert facts["reasons"] == seen.reasons
    assert {row["feature"]: row["value"] for row in facts["data"]} == MIDDLING
    total = facts["score"]["base_value"] + sum(row["contribution"] for row in facts["data"])
    assert total == pytest.approx(facts["score"]["margin"])
    assert facts["data"][0]["source"]["by"] == the_client().username
    assert sum(row["share"] for row in facts["data"]) == pytest.approx(1)
    assert facts["model"]["purpose"] == champion.model.purpose
    assert facts["letters"] == []


def test_the_facts_have_exactly_the_members_that_are_described(champion, browser):
    a_letter_policy()
    schema = SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]
    facts = browser.get(address(a_decision(champion, **MIDDLING))).json()

    assert set(facts) == set(schema["ExplanationFactsSchema"]["properties"])
    assert set(facts["score"]) == set(schema["ExplainedScoreSchema"]["properties"])
    assert set(facts["score"]["grey_band"]) == set(schema["GreyBandSchema"]["properties"])
    assert set(facts["data"][0]) == set(schema["DatumSchema"]["properties"])
    [one, *_] = facts["counterfactuals"]["found"]
    assert set(one) == set(schema["CounterfactualSchema"]["properties"])
    assert set(one["moves"][0]) == set(schema["MoveSchema"]["properties"])


def test_every_counterfactual_is_approved_when_it_is_applied_for(champion, browser):
    a_letter_policy()
    decision = a_decision(champion, **MIDDLING)
    told = browser.get(address(decision)).json()["counterfactuals"]

    assert told["state"] == "found"
    for one in told["found"]:
        moves = {move["feature"]: move["after"] for move in one["moves"]}
        assert set(moves) <= set(CHANGEABLE)
        body = json.dumps(an_application(**{**MIDDLING, **moves}))
        answer = browser.post(
            f"/api/v1/models/{champion.model.name}/decisions", body, content_type="application/json"
        ).json()
        assert answer["outcome"] == "approved"
        assert answer["pd"] == one["pd"]


@pytest.mark.parametrize(
    ("features", "part", "state"),
    [
        (GOOD, {}, "not_needed"),
        (BAD, {"changeable": {}}, "nothing_changeable"),
        (BAD, {"changeable": {"homeowner": {"direction": "up"}}}, "none_found"),
    ],
)
def test_where_there_is_no_counterfactual_the_facts_say_why(
    champion, browser, features, part, state
):
    a_letter_policy(**part)
    decision = a_decision(champion, **features)

    told = browser.get(address(decision)).json()["counterfactuals"]

    assert (told["state"], told["found"]) == (state, [])


def test_without_a_policy_there_are_facts_and_no_letter(champion, browser):
    decision = a_decision(champion, **BAD)

    assert browser.get(address(decision)).json()["policy"] is None
    refused = issue(browser, decision)

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/no-letter-policy"
    assert not ExplanationLetter.objects.exists()


def test_a_model_s_own_letter_goes_before_the_one_for_all(champion, browser):
    a_letter_policy()
    a_letter_policy(champion.model.name, changeable={})
    decision = a_decision(champion, **MIDDLING)

    facts = browser.get(address(decision)).json()

    assert facts["policy"]["name"] == champion.model.name
    assert facts["counterfactuals"]["state"] == "nothing_changeable"


def test_a_letter_is_kept_as_it_was_issued(champion, browser):
    policy = a_letter_policy()
    decision = a_decision(champion, **MIDDLING)

    issued = issue(browser, decision)

    assert issued.status_code == 201
    letter = ExplanationLetter.objects.get()
    page = browser.get(f"{address(decision)}?format=html").content
    pdf = browser.get(f"{address(decision)}?format=pdf").content
    said = public_part(letter.entry)
    private = vault.open_private(letter.entry)
    assert letter.entry.event == "serving.explanation.issued"
    assert said["letter"] == str(letter.pk) == issued.json()["letter_id"]
    assert said["policy_sha256"] == policy.sha256
    assert said["sealed_sha256"] == sha256(bytes(letter.sealed)).hexdigest()
    assert private["html_sha256"] == sha256(page).hexdigest()
    assert private["pdf_sha256"] == sha256(pdf).hexdigest()
    assert browser.get(address(decision)).json()["letters"] == [issued.json()]


def test_the_letter_says_everything_in_the_approved_words(champion, browser):
    a_letter_policy()
    decision = a_decision(champion, **MIDDLING)
    issue(browser, decision)

    page = browser.get(f"{address(decision)}?format=html").content.decode()
    pdf = browser.get(f"{address(decision)}?format=pdf").content

    text = "\n".join(each.extract_text() for each in pypdf.PdfReader(BytesIO(pdf)).pages)
    for words in (
        "We declined your application on",
        "The main reasons",
        "strongly against you",
        "your application",
        "No person decided about your application",
        "What would have changed the result",
        "contest the decision (Art. 22(3) GDPR)",
        "data protection supervisory authority",
        "Regulation (EU) 2024/1689 (AI Act), Article 86",
        "Example Bank, Customer Decisions",
        champion.model.title,
    ):
        assert words in page
        assert words in " ".join(text.split())
    assert "<svg" in page
    assert "{pd}" not in page


def test_two_letters_of_one_day_are_equal_to_the_byte(champion, browser):
    a_letter_policy()
    decision = a_decision(champion, **MIDDLING)
    pages = []

    for _ in range(2):
        assert issue(browser, decision).status_code == 201
        pages.append(
            [browser.get(f"{address(decision)}?format={each}").content for each in ("html", "pdf")]
        )

    assert pages[0] == pages[1]
    assert ExplanationLetter.objects.count() == 2


def test_a_clause_is_cited_from_the_day_on_which_it_applies(champion, browser):
    later = [{"clause": "Some Act, Article 1", "applies_from": "2099-01-01"}]
    a_letter_policy(legal_basis=later)
    decision = a_decision(champion, **BAD)
    issue(browser, decision)

    assert b"Some Act" not in browser.get(f"{address(decision)}?format=html").content


def test_a_letter_in_an_unknown_language_is_refused_and_nothing_is_kept(champion, browser):
    a_letter_policy()
    decision = a_decision(champion, **BAD)

    refused = issue(browser, decision, "xx")

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "language"
    assert not ExplanationLetter.objects.exists()
    assert browser.get(f"{address(decision)}?format=pdf").status_code == 404


def test_a_declaration_that_does_not_fit_the_model_is_refused(champion, browser):
    a_letter_policy(changeable={"purpose": {"direction": "any"}})
    decision = a_decision(champion, **BAD)

    refused = issue(browser, decision)

    assert refused.json()["type"] == "/problems/letter-policy-malformed"
    assert (
        refused.json()["errors"][0]["field"] == "explanation_letter.changeable.purpose.categories"
    )


def test_another_client_neither_reads_nor_issues(champion, signed_in):
    a_letter_policy()
    decision = a_decision(champion, **BAD)
    other = signed_in(a_person("other lender", "scoring client"))

    assert other.get(address(decision)).status_code == 403
    assert issue(other, decision).status_code == 403
    assert not ExplanationLetter.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()


def test_a_privacy_officer_issues_the_letter_of_any_client(champion, privacy_officer, signed_in):
    a_letter_policy()
    decision = a_decision(champion, **BAD)

    assert issue(signed_in(privacy_officer), decision).status_code == 201


def test_letters_never_change_and_stay_while_the_person_is_not_erased(champion, browser):
    a_letter_policy()
    issue(browser, a_decision(champion, **BAD))

    for act in (
        lambda letters: letters.update(language="de"),
        lambda letters: letters.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act(ExplanationLetter.objects.all())


def test_with_the_person_the_letter_goes(champion, browser, privacy_officer):
    a_letter_policy()
    decision = a_decision(champion, **BAD)
    issue(browser, decision)

    erase_subject(
        decision.subject_id, by=privacy_officer, legal_basis="GDPR 17(1)(a)", reason="Asked."
    )

    assert browser.get(f"{address(decision)}?format=pdf").status_code == 410
    assert issue(browser, decision).status_code == 410
    forget_erased()
    assert not ExplanationLetter.objects.exists()
    assert browser.get(address(decision)).status_code == 410
    assert browser.get(f"{address(decision)}?format=pdf").status_code == 410
    forgotten = Entry.objects.get(event="serving.observations.deleted")
    assert public_part(forgotten) == {"letters": 1, "observations": 1, "shadow_scores": 0}
    assert Decision.objects.filter(pk=decision.pk).exists()

"""People decide and review in the admin; a review that is late becomes an incident."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from governance import sweeps
from governance.actions.incidents import close_incident
from governance.models import Incident
from serving.actions.corrections import correct_decision
from serving.actions.resolutions import resolve_decision
from serving.actions.reviews import close_review
from serving.models import Correction, Decision, LateReview, Resolution, Review, ReviewStep
from tests.serving.builders import a_champion
from tests.serving.notices.builders import a_notice_policy
from tests.serving.reviewing import (
    GROUNDS,
    WHY,
    a_decline,
    a_read_review,
    a_referral,
    a_review,
    a_serving_policy,
    an_approval,
    an_assigned_review,
    declined,
    overridden,
)
from tests.serving.test_reviews import OVERTURNED

pytestmark = pytest.mark.django_db


@pytest.fixture
def champion(db):
    return a_champion()


@pytest.fixture
def officer(credit_officer: User, signed_in) -> Client:
    browser: Client = signed_in(credit_officer)
    return browser


def shown(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    clock = SimpleNamespace(now=lambda: timezone.now() + timedelta(days=days))
    for name in ("serving.actions.reviews", "governance.sweeps", "governance.actions.incidents"):
        monkeypatch.setattr(f"{name}.timezone", clock)


def test_a_late_review_opens_one_incident_about_the_version_that_decided(
    champion, lending, monkeypatch, validator
):
    a_serving_policy()
    for _ in range(2):
        a_review(a_decline(champion, by=lending), lending)
    sweeps.watch_reviews()
    assert not LateReview.objects.exists()

    later(monkeypatch, 40)
    sweeps.watch_reviews()
    sweeps.watch_reviews()
    sweeps.open_incidents()
    sweeps.open_incidents()

    assert LateReview.objects.count() == 2
    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("late_review", champion)
    assert "is not closed" in incident.summary
    close_incident(incident.pk, "Two reviewers were ill.", by=validator)
    sweeps.open_incidents()
    assert Incident.objects.count() == 1


def test_a_review_that_was_closed_in_time_is_not_late(champion, credit_officer, monkeypatch):
    a_serving_policy()
    review = a_read_review(a_decline(champion), credit_officer, credit_officer)
    close_review(review.pk, OVERTURNED, by=credit_officer)

    later(monkeypatch, 40)
    sweeps.watch_reviews()

    assert not LateReview.objects.exists()


def test_the_desk_shows_reviews_with_their_day_to_those_who_handle_them(
    champion, credit_officer, developer, officer, signed_in
):
    a_serving_policy()
    review = a_review(a_decline(champion), credit_officer)

    assert str(review) in shown(officer, "/")
    assert str(review) not in shown(signed_in(developer), "/")


def test_a_referred_case_is_decided_by_a_button(champion, officer):
    decision = a_referral(champion)
    page = f"/serving/decision/{decision.pk}/resolve/"
    assert page in shown(officer, f"/serving/decision/{decision.pk}/change/")

    about = shown(officer, page)
    assert "Contribution" in about
    assert "Reasons of the library" in about

    refused = officer.post(page, {"outcome": "declined", "rationale": WHY})
    done = officer.post(
        page, {"outcome": "declined", "rationale": WHY, "statements": "Income not shown\n"}
    )

    assert (refused.status_code, done.status_code) == (422, 302)
    assert Resolution.objects.get().outcome == "declined"
    after = shown(officer, f"/serving/decision/{decision.pk}/change/")
    assert "Income not shown" in after
    assert "by chloe" in after, "What stands is said beside what the score made of it."
    assert page not in after, "It takes a review now."


def test_a_review_goes_its_way_by_buttons(champion, officer):
    decision = a_decline(champion)
    officer.post(f"/serving/decision/{decision.pk}/contest/", {"grounds": GROUNDS})
    address = f"/serving/review/{Review.objects.get().pk}"
    for button, fields in {
        "acknowledge": {},
        "assign": {"reviewer": "chloe"},
        "ask": {"text": "Which brother?"},
        "answer": {"text": "Karl."},
    }.items():
        assert f"{address}/{button}/" in shown(officer, f"{address}/change/")
        assert officer.post(f"{address}/{button}/", fields).status_code == 302, button

    evidence = shown(officer, f"{address}/close/")
    shown(officer, f"{address}/close/")  # drawn again, as after a form with a fault
    closed = officer.post(
        f"{address}/close/",
        {
            "result": "overturned",
            "letter": "Granted.",
            "rationale": WHY,
            "override_code": "low_side",
        },
    )

    assert GROUNDS.replace("'", "&#x27;") in evidence
    assert "Karl." in evidence
    assert ReviewStep.objects.filter(kind="evidence_opened").count() == 1
    assert closed.status_code == 302
    review = Review.objects.get()
    assert (review.state, review.resolution.outcome) == ("overturned", "approved")
    assert "Granted." in shown(officer, f"{address}/change/")


def test_a_reviewer_sees_what_corrected_data_led_to(champion, lending, credit_officer, officer):
    decision = a_decline(champion, by=lending)
    review = an_assigned_review(decision, credit_officer, credit_officer)
    corrected = correct_decision(decision.pk, {"delinquencies": 0}, "Bureau", by=lending)
    assert isinstance(corrected, Correction)

    page = shown(officer, f"/serving/review/{review.pk}/close/")

    assert str(corrected.decision_id) in page


def test_the_desk_leads_an_officer_to_referred_cases_that_nobody_decided(
    champion, credit_officer, developer, officer, signed_in
):
    a_notice_policy()
    waiting, decided, by_score = a_referral(champion), a_referral(champion), a_decline(champion)
    resolve_decision(decided.pk, declined(), by=credit_officer)

    desk = shown(officer, "/")
    queue = shown(officer, "/notices-due/?waits=person")

    assert "1 referred" in desk
    assert "referred</a>" not in shown(signed_in(developer), "/"), "A developer decides no case."
    assert str(waiting.pk) in queue
    assert str(decided.pk) not in queue
    assert str(by_score.pk) not in queue


def test_the_desk_counts_referred_cases_no_further_than_its_bound(champion, officer, monkeypatch):
    a_notice_policy()
    monkeypatch.setattr("governance.desk.MOST_COUNTED", 2)
    for _ in range(3):
        a_referral(champion)

    assert "more than 2 referred" in shown(officer, "/")


def test_who_is_not_the_reviewer_sees_no_evidence(
    champion, credit_officer, second_officer, officer
):
    review = an_assigned_review(a_decline(champion), credit_officer, second_officer)

    page = shown(officer, f"/serving/review/{review.pk}/close/")

    assert "The review was given to conrad" in page
    assert "Contribution" not in page
    assert not ReviewStep.objects.filter(kind="evidence_opened").exists()


def test_the_page_of_a_decision_shows_its_chain(champion, lending, credit_officer, officer):
    first = a_decline(champion, by=lending)
    correction = correct_decision(first.pk, {"delinquencies": 5}, "Bureau", by=lending)
    assert isinstance(correction, Correction)
    overridden(first, credit_officer)
    review = a_review(first, credit_officer)

    before = shown(officer, f"/serving/decision/{first.pk}/change/")
    after = shown(officer, f"/serving/decision/{correction.decision_id}/change/")

    for row in (correction.decision, Resolution.objects.get(), review):
        assert f"/{row._meta.model_name}/{row.pk}/change/" in before
    assert f"/serving/decision/{first.pk}/change/" in after


def test_lists_show_how_often_people_override_and_reviews_overturn(
    champion, credit_officer, auditor, signed_in
):
    a_serving_policy(overrides={"watch": 0.2, "breach": 0.9})
    for decision in (a_decline(champion), a_decline(champion), an_approval(champion)):
        last = decision
    overridden(Decision.objects.filter(outcome="declined")[0], credit_officer)
    a_review(last, credit_officer)
    reader = signed_in(auditor)

    overrides = shown(reader, "/serving/resolution/")
    reviews = shown(reader, "/serving/review/")

    assert "50.0%" in overrides
    assert "watch" in overrides
    assert "Overturned, share" in reviews


@pytest.mark.parametrize(
    "table", ["resolution", "review", "reviewstep", "latereview", "correction"]
)
def test_windows_without_rows_are_empty(table, auditor, signed_in):
    shown(signed_in(auditor), f"/serving/{table}/")


def test_what_was_said_is_for_those_who_may_see_what_concerns_applicants(
    champion, credit_officer, developer, officer, signed_in
):
    review = a_review(a_decline(champion), credit_officer)
    address = f"/serving/review/{review.pk}/change/"

    assert "same name" in shown(officer, address)
    assert "same name" not in shown(signed_in(developer), address)

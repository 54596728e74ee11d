"""Counteroffers and what applications lack are told of in approved words, once, and what was told dies with the person."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import AlreadyErased, NotPermitted
from audit.models import Entry
from serving.actions.application_notices import (
    issue_application_notice,
    record_application_delivery,
)
from serving.actions.applications import record_status
from serving.actions.resolutions import resolve_decision
from serving.errors import (
    ApplicationEnded,
    DecidedMeanwhile,
    InvalidDelivery,
    NoNoticePolicy,
    NoSuchNotice,
    NoSuchStatus,
    NoticeAlreadyIssued,
    OfferAfterApproval,
    OfferTermsUnknown,
)
from serving.holdings import held_about
from serving.models import ApplicationNotice, ApplicationNoticeDelivery
from serving.notices import due
from serving.notices.clock import State, Stop
from serving.notices.reading import document_of
from tests.conftest import a_person
from tests.serving.builders import GOOD
from tests.serving.notices.builders import a_notice_policy, decided_days_ago
from tests.serving.notices.test_notices import erase
from tests.serving.notices.test_statuses import at, incomplete
from tests.serving.reviewing import declined as declined_by_person

pytestmark = pytest.mark.django_db

TERMS = {"asked": ["USD 25,000", "60 months"], "offered": ["USD 15,000", "48 months"]}


@pytest.fixture
def declined(champion, lending):
    return decided_days_ago(champion, 5, lending, application_ref="A-9")


@pytest.fixture
def offer(declined, lending):
    return an_offer(lending)


@pytest.fixture
def lacking(champion, lending):
    return record_status("A-7", incomplete(champion), by=lending)


def an_offer(lending, application_ref="A-9", **changes):
    document = {"status": "counteroffer", "at": at(), **TERMS, **changes}
    return record_status(application_ref, document, by=lending)


def delivered(status, by, sent_at=None):
    sent = {"channel": "mail", "sent_at": (sent_at or timezone.now()).isoformat()}
    return record_application_delivery(status.pk, sent, by=by)


def clock_of(decision):
    return due.clock_of(decision, due.texts_in_force(timezone.now())[decision.model_name])


def waiting_decisions():
    now = timezone.now()
    return [row.pk for row in due.waiting_decisions(due.texts_in_force(now), now)]


def waiting_applications():
    now = timezone.now()
    return [row.pk for row in due.waiting_applications(due.texts_in_force(now), now)]


def refused_events():
    return Entry.objects.filter(event="audit.action_refused").count()


def test_a_counteroffer_gives_the_reasons_why_the_terms_asked_for_were_declined(
    declined, offer, lending
):
    policy = a_notice_policy()

    notice = issue_application_notice(offer.pk, by=lending)

    document = document_of(notice)
    reasons = [reason["statement"] for reason in declined.observation.reasons]
    assert reasons
    assert document["principal_reasons"]["statements"] == reasons
    assert [part["statements"] for part in document["terms"]] == [TERMS["asked"], TERMS["offered"]]
    assert (notice.kind, notice.reasons_of) == ("counteroffer", declined)
    assert notice.answer_by == (notice.issued_at + timedelta(days=30)).date()
    assert ["Offer open until", str(notice.answer_by)] in document["facts"]
    public = parse(bytes(notice.entry.body))["public"]
    assert (public["notice_policy"], public["sha256"]) == (policy.sha256, notice.sha256)
    assert public["legal_basis"] == policy.legal_basis


def test_the_log_says_in_clear_neither_what_it_says_nor_which_of_the_two_it_is(
    offer, lacking, lending
):
    a_notice_policy()

    for status in (offer, lacking):
        body = bytes(issue_application_notice(status.pk, by=lending).entry.body)

        for word in (b"counteroffer", b"incompleteness", b"C-4", b"C-6", b"15,000", b"Proof"):
            assert word not in body
        assert str(status.application_id).encode() not in body


def test_a_counteroffer_gives_no_reasons_where_nothing_was_declined(champion, lending):
    a_notice_policy()
    decision, application_ref = decided_as("referred", champion, lending)

    notice = issue_application_notice(an_offer(lending, application_ref).pk, by=lending)

    assert notice.application_id == decision.application_id
    assert notice.reasons_of is None
    assert document_of(notice)["principal_reasons"] is None


def test_an_offer_on_an_approved_application_waits_for_a_person_who_declines_it(
    champion, lending, credit_officer
):
    a_notice_policy()
    decision, application_ref = decided_as("approved", champion, lending)
    offer = an_offer(lending, application_ref)
    with pytest.raises(OfferAfterApproval, match=f"decisions/{decision.pk}/resolution"):
        issue_application_notice(offer.pk, by=lending)
    assert not ApplicationNotice.objects.exists()
    assert refused_events() == 1

    why = declined_by_person("high_side", "Employer could not be reached")
    resolve_decision(decision.pk, why, by=credit_officer)
    notice = issue_application_notice(offer.pk, by=lending)

    assert notice.reasons_of == decision
    assert document_of(notice)["principal_reasons"]["statements"] == [
        "Employer could not be reached"
    ]


def decided_as(outcome, champion, lending):
    """An applicant with that outcome, looked for by debt, and the reference of the application."""
    for dti in range(5, 70):
        features, application_ref = {**GOOD, "dti": float(dti)}, f"by-{dti}"
        if outcome == "referred":
            features = {"dti": float(dti)}
        decision = decided_days_ago(
            champion, 1, lending, features=features, application_ref=application_ref
        )
        if decision.outcome == outcome:
            return decision, application_ref
    raise AssertionError(f"Nobody is {outcome}.")


def test_what_is_missing_is_asked_for_and_no_reason_is_given(lacking, lending):
    a_notice_policy()

    notice = issue_application_notice(lacking.pk, by=lending)

    document = document_of(notice)
    assert document["terms"][0]["statements"] == ["Proof of income"]
    assert document["principal_reasons"] is None
    assert (notice.kind, notice.reasons_of) == ("incompleteness", None)


def test_what_a_decided_application_lacked_is_no_notice_any_more(champion, lacking, lending):
    a_notice_policy()
    decided_days_ago(champion, 0, lending, application_ref="A-7")

    with pytest.raises(DecidedMeanwhile):
        issue_application_notice(lacking.pk, by=lending)

    assert not ApplicationNotice.objects.exists()
    assert refused_events() == 1


def test_a_referred_application_is_asked_for_what_it_lacks_until_a_person_decides(
    champion, lending, credit_officer
):
    a_notice_policy()
    referred, application_ref = decided_as("referred", champion, lending)
    first, second = (
        record_status(application_ref, incomplete(champion, days, subject_ref=None), by=lending)
        for days in (3, 0)
    )

    issue_application_notice(first.pk, by=lending)
    why = declined_by_person("", "Employer could not be reached")
    resolve_decision(referred.pk, why, by=credit_officer)

    with pytest.raises(DecidedMeanwhile):
        issue_application_notice(second.pk, by=lending)


def test_a_notice_is_issued_once_for_each_status(offer, lending):
    a_notice_policy()
    issue_application_notice(offer.pk, by=lending)

    with pytest.raises(NoticeAlreadyIssued):
        issue_application_notice(offer.pk, by=lending)
    issue_application_notice(an_offer(lending).pk, by=lending)

    assert ApplicationNotice.objects.count() == 2
    assert refused_events() == 1


def test_nothing_is_told_of_an_application_that_ended(offer, lending):
    a_notice_policy()
    ended = record_status("A-9", {"status": "withdrawn", "at": at()}, by=lending)

    for status, refusal in ((offer, ApplicationEnded), (ended, NoSuchStatus)):
        with pytest.raises(refusal):
            issue_application_notice(status.pk, by=lending)

    assert not ApplicationNotice.objects.exists()
    assert refused_events() == 2


def test_without_the_terms_there_is_no_notice_of_the_offer(declined, lending):
    a_notice_policy()
    offer = an_offer(lending, asked=None, offered=None)

    with pytest.raises(OfferTermsUnknown):
        issue_application_notice(offer.pk, by=lending)

    assert refused_events() == 1


def test_without_approved_words_nothing_is_said(offer, lacking, lending):
    with pytest.raises(NoNoticePolicy):
        issue_application_notice(offer.pk, by=lending)
    a_notice_policy(without=["counteroffer", "incompleteness"])
    for status in (offer, lacking):
        with pytest.raises(NoNoticePolicy):
            issue_application_notice(status.pk, by=lending)

    assert not ApplicationNotice.objects.exists()
    assert refused_events() == 3


def test_another_client_neither_issues_nor_sends(offer, lending, analyst):
    a_notice_policy()
    other = a_person("broker", "scoring client")
    with pytest.raises(NotPermitted):
        issue_application_notice(offer.pk, by=other)
    issue_application_notice(offer.pk, by=analyst)

    with pytest.raises(NotPermitted):
        delivered(offer, other)

    assert not ApplicationNoticeDelivery.objects.exists()
    assert refused_events() == 2


def test_the_delivery_of_a_combined_counteroffer_stops_the_clock(declined, offer, lending):
    a_notice_policy()
    issue_application_notice(offer.pk, by=lending)
    assert waiting_decisions() == [declined.pk]

    delivery = delivered(offer, lending)

    clock = clock_of(declined)
    assert (clock.basis, clock.stopped_by) == ("completed_at", Stop.NOTIFIED)
    assert clock.stopped_at == delivery.sent_at
    assert clock.state(timezone.now()) == State.STOPPED
    assert waiting_decisions() == []
    assert delivery.entry.event == "serving.application.notice_delivered"


def test_a_decision_after_a_combined_counteroffer_is_told_of_by_itself(
    champion, declined, offer, lending
):
    a_notice_policy()
    issue_application_notice(offer.pk, by=lending)
    delivered(offer, lending)

    later = decided_days_ago(champion, 1, lending, application_ref="A-9")

    assert waiting_decisions() == [later.pk]


def days_from(moment, days, monkeypatch):
    """For whoever reports, issues and sends, it is so many days after that moment from here on; keys know nothing of it."""
    then = moment + timedelta(days=days)
    clock = SimpleNamespace(now=lambda: then)
    for module in ("applications", "application_notices"):
        monkeypatch.setattr(f"serving.actions.{module}.timezone", clock)
    return then


def test_an_offer_that_is_not_told_in_thirty_days_is_late_whenever_it_was_made(
    champion, lending, monkeypatch
):
    a_notice_policy()
    decision = decided_days_ago(champion, 0, lending, application_ref="A-9")
    offered_at = days_from(decision.completed_at, 2, monkeypatch)
    offer = an_offer(lending, at=offered_at.isoformat())
    days_from(decision.completed_at, 3, monkeypatch)
    issue_application_notice(offer.pk, by=lending)

    today = days_from(decision.completed_at, 40, monkeypatch)

    untold = clock_of(decision)
    assert untold.due_at == decision.completed_at + timedelta(days=30)
    assert untold.state(today) == State.LATE
    assert [row.pk for row in due.newly_late_decisions(today)] == [decision.pk]
    delivered(offer, lending, today)
    told = clock_of(decision)
    assert (told.stopped_by, told.stopped_at, told.stopped_late) == (Stop.NOTIFIED, today, True)


def test_a_counteroffer_without_reasons_gives_ninety_days_from_being_told(
    champion, lending, monkeypatch
):
    a_notice_policy()
    referred, application_ref = decided_as("referred", champion, lending)
    offered_at = days_from(referred.completed_at, 2, monkeypatch)
    offer = an_offer(lending, application_ref, at=offered_at.isoformat())
    issue_application_notice(offer.pk, by=lending)
    undelivered = clock_of(referred)
    for days in (5, 8):
        delivered(offer, lending, days_from(referred.completed_at, days, monkeypatch))

    clock = clock_of(referred)

    assert undelivered.basis == "completed_at"
    assert undelivered.due_at == referred.completed_at + timedelta(days=30)
    assert (clock.stopped_by, clock.basis) == (None, "counteroffer")
    assert clock.due_at == referred.completed_at + timedelta(days=5 + 90)
    assert referred.pk in waiting_decisions()


def test_the_delivery_of_what_is_missing_stops_that_clock(champion, lacking, lending):
    a_notice_policy()
    other = record_status("A-8", incomplete(champion), by=lending)
    issue_application_notice(lacking.pk, by=lending)
    assert set(waiting_applications()) == {lacking.pk, other.pk}

    delivered(lacking, lending)

    assert waiting_applications() == [other.pk]


@pytest.mark.parametrize(("days", "stops"), [(29, True), (30, False)])
def test_a_notice_that_leaves_no_day_to_answer_stops_nothing(
    lacking, lending, monkeypatch, days, stops
):
    a_notice_policy()
    notice = issue_application_notice(lacking.pk, by=lending)
    sent_at = days_from(notice.issued_at, days, monkeypatch)

    delivered(lacking, lending, sent_at)

    assert (waiting_applications() == []) == stops


def test_nothing_is_sent_before_it_is_issued_and_by_no_other_channel(offer, lending):
    a_notice_policy()
    with pytest.raises(NoSuchNotice):
        delivered(offer, lending)
    issue_application_notice(offer.pk, by=lending)

    with pytest.raises(InvalidDelivery) as refused:
        record_application_delivery(offer.pk, {"channel": "pigeon"}, by=lending)

    assert {problem.field for problem in refused.value.errors} == {"channel", "sent_at"}
    assert not ApplicationNoticeDelivery.objects.exists()


def test_the_database_refuses_a_delivery_before_the_issue_and_any_change(offer, lending):
    a_notice_policy()
    notice = issue_application_notice(offer.pk, by=lending)
    delivery = delivered(offer, lending)

    with pytest.raises(IntegrityError), transaction.atomic():
        ApplicationNoticeDelivery.objects.create(
            notice=notice,
            channel="mail",
            sent_at=notice.issued_at - timedelta(hours=1),
            recorded_at=timezone.now(),
            recorded_by=lending,
            entry=offer.entry,
        )
    for row, change in ((delivery, {"channel": "portal"}), (notice, {"language": "es"})):
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**change)


def test_it_is_kept_from_its_issue_on_and_gone_with_the_person(
    declined, offer, lending, privacy_officer, monkeypatch
):
    a_notice_policy()
    untold = an_offer(lending)
    later = timezone.now() + timedelta(days=4)
    monkeypatch.setattr("serving.actions.application_notices.timezone.now", lambda: later)
    notice = issue_application_notice(offer.pk, by=lending)
    [holding] = held_about([declined.subject_id])[declined.subject_id]
    assert holding.started_on == later.date()
    monkeypatch.undo()

    erase(declined, monkeypatch)

    with pytest.raises(AlreadyErased):
        document_of(ApplicationNotice.objects.get(pk=notice.pk))
    with pytest.raises(AlreadyErased):
        issue_application_notice(untold.pk, by=lending)


def test_over_http_a_counteroffer_is_told_of_read_in_three_forms_and_sent(
    declined, offer, post, client_of_lending
):
    a_notice_policy()
    address = "applications/A-9/notice"
    assert client_of_lending.get(f"/api/v1/{address}").status_code == 404

    issued = post(address, {})
    read = client_of_lending.get(f"/api/v1/{address}")
    page = client_of_lending.get(f"/api/v1/{address}?format=html")
    pdf = client_of_lending.get(f"/api/v1/{address}?format=pdf")
    sent = {"channel": "portal", "sent_at": timezone.now().isoformat()}
    delivery = post(f"{address}/deliveries", sent)

    assert issued.status_code == 201
    assert issued.json() == read.json()
    assert issued.json()["gives_reasons"]
    assert "USD 15,000" in page.content.decode()
    assert pdf.content.startswith(b"%PDF")
    assert delivery.status_code == 201
    by_status = client_of_lending.get(f"/api/v1/statuses/{offer.pk}/notice").json()
    assert by_status["deliveries"] == [delivery.json()]


def test_a_delivery_is_recorded_of_the_notice_that_is_meant(declined, lending, post):
    a_notice_policy()
    first, second = (issue_application_notice(an_offer(lending).pk, by=lending) for _ in range(2))
    sent = {"channel": "mail", "sent_at": timezone.now().isoformat()}
    address = "applications/A-9/notice/deliveries"

    refused = [post(address, {**sent, "notice_id": each}) for each in (str(first.pk), "x", 7)]
    newest = post(address, {**sent, "notice_id": str(second.pk)})
    earlier = post(f"statuses/{first.status_id}/notice/deliveries", sent)

    assert [answer.status_code for answer in refused] == [409] * 3
    assert refused[0].json()["type"].endswith("notice-not-newest")
    assert str(second.pk) in refused[0].json()["detail"]
    assert (newest.status_code, earlier.status_code) == (201, 201)
    assert str(second.deliveries.get().pk) == newest.json()["delivery_id"]
    assert str(first.deliveries.get().pk) == earlier.json()["delivery_id"]


def test_a_status_of_another_client_takes_no_delivery(offer, lending, signed_in):
    a_notice_policy()
    issue_application_notice(offer.pk, by=lending)
    sent = {"channel": "mail", "sent_at": timezone.now().isoformat()}
    other = signed_in(a_person("broker", "scoring client"))

    answer = other.post(
        f"/api/v1/statuses/{offer.pk}/notice/deliveries", sent, content_type="application/json"
    )

    assert answer.status_code == 403
    assert not ApplicationNoticeDelivery.objects.exists()


def test_over_http_refusals_have_their_own_status(declined, lacking, post, client_of_lending):
    assert post("applications/A-9/notice", {}).status_code == 404
    assert post("applications/A-7/notice", {}).status_code == 409
    assert post("applications/A-7/notice", {}).json()["type"].endswith("no-notice-policy")
    assert post("applications/nobody/notice", {}).status_code == 404
    assert post("applications/A-7/notice/deliveries", {}).status_code == 404
    a_notice_policy()
    assert post("applications/A-7/notice", {}).status_code == 201
    assert post("applications/A-7/notice/deliveries", {}).status_code == 422
    assert client_of_lending.get("/api/v1/applications/A-7/notice?format=doc").status_code == 400


def test_who_may_not_see_what_applicants_said_reads_no_notice(
    offer, lending, developer, analyst, signed_in
):
    a_notice_policy()
    issue_application_notice(offer.pk, by=lending)
    address = f"/api/v1/statuses/{offer.pk}/notice"

    assert signed_in(developer).get(address).status_code == 403
    assert signed_in(analyst).get(address).status_code == 200

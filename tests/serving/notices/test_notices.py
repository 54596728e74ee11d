"""A declined applicant's notice is composed once, kept as it was, and dies with the person."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import AlreadyErased, NotPermitted
from audit.models import Entry
from audit.vault import open_private
from serving.actions.notices import issue_notice, record_delivery
from serving.errors import (
    InvalidDelivery,
    KeyFactorsUnknown,
    NoAdverseAction,
    NoNoticePolicy,
    NoSuchNotice,
    NotDecidedYet,
    NoticeAlreadyIssued,
    NoticeAltered,
    NoticeLanguageDiffers,
)
from serving.models import Notice, NoticeDelivery
from serving.notices.reading import document_of
from tests.audit.people import a_case, decided
from tests.conftest import a_person
from tests.serving.builders import GOOD
from tests.serving.notices.builders import a_notice_policy, decided_days_ago, sent
from tests.serving.notices.test_texts import SCORE

pytestmark = pytest.mark.django_db


@pytest.fixture
def declined(champion, lending):
    return decided_days_ago(champion, 2, lending)


def refused_events():
    return Entry.objects.filter(event="audit.action_refused").count()


def test_a_notice_holds_the_reasons_as_decided_and_the_log_says_by_which_policy(declined, lending):
    policy = a_notice_policy()

    notice = issue_notice(declined.pk, by=lending)

    document = document_of(notice)
    reasons = [reason["statement"] for reason in declined.observation.reasons]
    assert document["principal_reasons"]["statements"] == reasons
    assert ["Our reference", str(declined.pk)] in document["facts"]
    public = parse(bytes(notice.entry.body))["public"]
    assert (public["notice_policy"], public["sha256"]) == (policy.sha256, notice.sha256)
    assert public["legal_basis"] == policy.legal_basis
    assert Entry.objects.get(event="serving.notice.issued").subject_id == str(declined.pk)


def test_the_log_does_not_say_in_clear_what_a_notice_says(declined, lending):
    a_notice_policy()

    notice = issue_notice(declined.pk, by=lending)

    body = bytes(notice.entry.body).decode()
    for reason in document_of(notice)["principal_reasons"]["statements"]:
        assert reason not in body


def test_a_later_policy_changes_no_notice_that_was_issued(declined, lending, champion):
    a_notice_policy()
    notice = issue_notice(declined.pk, by=lending)
    before = document_of(notice)

    a_notice_policy(contact="Somebody else")
    other = issue_notice(decided_days_ago(champion, 1, lending).pk, by=lending)

    assert document_of(notice) == before
    assert document_of(other)["contact"]["text"] == "Somebody else"


def test_a_model_s_own_policy_comes_before_the_one_for_all(declined, lending):
    a_notice_policy()
    a_notice_policy(declined.model_name, contact="Of this model")

    assert document_of(issue_notice(declined.pk, by=lending))["contact"]["text"] == "Of this model"


def test_a_notice_is_issued_once(declined, lending):
    a_notice_policy()
    issue_notice(declined.pk, by=lending)

    with pytest.raises(NoticeAlreadyIssued):
        issue_notice(declined.pk, by=lending)

    assert Notice.objects.count() == 1
    assert refused_events() == 1


@pytest.mark.parametrize(
    ("features", "refusal"),
    [(GOOD, NoAdverseAction), (None, NotDecidedYet)],
)
def test_who_was_not_declined_gets_no_adverse_action_notice(champion, lending, features, refusal):
    a_notice_policy()
    decision = (
        decided_days_ago(champion, 1, lending, features=features)
        if features
        else a_referral(champion, lending)
    )

    with pytest.raises(refusal):
        issue_notice(decision.pk, by=lending)

    assert not Notice.objects.exists()
    assert refused_events() == 1


def a_referral(champion, lending):
    """An applicant inside the grey band, looked for by debt."""
    for dti in range(5, 70):
        decision = decided_days_ago(champion, 1, lending, features={"dti": float(dti)})
        if decision.outcome == "referred":
            return decision
    raise AssertionError("Nobody lies in the grey band.")


def test_without_approved_words_nothing_is_said(declined, lending):
    with pytest.raises(NoNoticePolicy):
        issue_notice(declined.pk, by=lending)

    assert not Notice.objects.exists()
    assert refused_events() == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [({"language": "es"}, NoticeLanguageDiffers), ({"credit_score": SCORE}, KeyFactorsUnknown)],
)
def test_a_policy_that_does_not_fit_the_decision_gives_no_notice(
    declined, lending, changes, refusal
):
    a_notice_policy(**changes)

    with pytest.raises(refusal):
        issue_notice(declined.pk, by=lending)

    assert not Notice.objects.exists()
    assert refused_events() == 1


def test_another_client_neither_issues_nor_sends_a_notice(declined, lending):
    a_notice_policy()
    other = a_person("broker", "scoring client")
    with pytest.raises(NotPermitted):
        issue_notice(declined.pk, by=other)
    issue_notice(declined.pk, by=lending)

    with pytest.raises(NotPermitted):
        sent(declined, other)

    assert not NoticeDelivery.objects.exists()
    assert refused_events() == 2


def test_an_analyst_issues_what_the_lending_system_did_not(declined, analyst):
    a_notice_policy()

    assert issue_notice(declined.pk, by=analyst).issued_by == analyst


def test_what_was_altered_is_not_read(declined, lending):
    a_notice_policy()
    notice = issue_notice(declined.pk, by=lending)
    notice.sha256 = "0" * 64

    with pytest.raises(NoticeAltered):
        document_of(notice)


def test_a_delivery_is_kept_with_its_entry_and_the_bank_s_reference_in_its_private_part(
    declined, lending
):
    a_notice_policy()
    issue_notice(declined.pk, by=lending)
    now = timezone.now()

    delivery = record_delivery(
        declined.pk,
        {"channel": "mail", "sent_at": now.isoformat(), "reference": "RR 1234"},
        by=lending,
    )

    assert (delivery.channel, delivery.sent_at) == ("mail", now)
    assert delivery.entry.event == "serving.notice.delivered"
    assert b"RR 1234" not in bytes(delivery.entry.body)
    assert open_private(delivery.entry) == {"reference": "RR 1234"}


def test_nothing_is_sent_before_it_is_issued(declined, lending):
    a_notice_policy()

    with pytest.raises(NoSuchNotice):
        record_delivery(
            declined.pk, {"channel": "mail", "sent_at": timezone.now().isoformat()}, by=lending
        )

    assert not NoticeDelivery.objects.exists()
    assert refused_events() == 1


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"channel": "pigeon"}, {("channel", "unknown")}),
        ({"channel": ["mail"]}, {("channel", "unknown")}),
        ({"sent_at": None}, {("sent_at", "missing")}),
        ({"sent_at": "yesterday"}, {("sent_at", "wrong_type")}),
        ({"sent_at": "2026-01-01T00:00:00Z"}, {("sent_at", "out_of_range")}),
        ({"sent_at": "2126-01-01T00:00:00Z"}, {("sent_at", "out_of_range")}),
        ({"reference": ""}, {("reference", "wrong_type")}),
        ({"note": "x", "channel": None}, {("delivery", "unexpected"), ("channel", "unknown")}),
    ],
)
def test_a_delivery_that_cannot_be_is_refused_with_every_field(
    declined, lending, changes, problems
):
    a_notice_policy()
    issue_notice(declined.pk, by=lending)
    body = {"channel": "mail", "sent_at": timezone.now().isoformat(), **changes}

    with pytest.raises(InvalidDelivery) as refused:
        record_delivery(declined.pk, body, by=lending)

    assert {(problem.field, problem.type) for problem in refused.value.errors} == problems
    assert not NoticeDelivery.objects.exists()


def test_the_database_refuses_a_delivery_before_the_issue_and_any_change(declined, lending):
    a_notice_policy()
    delivery = sent(declined, lending)

    with pytest.raises(IntegrityError), transaction.atomic():
        NoticeDelivery.objects.create(
            notice=delivery.notice,
            channel="mail",
            sent_at=delivery.notice.issued_at - timedelta(hours=1),
            recorded_at=timezone.now(),
            recorded_by=lending,
            entry=declined.entry,
        )
    for row, change in ((delivery, {"channel": "portal"}), (delivery.notice, {"language": "es"})):
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(**change)


def test_with_the_person_the_notice_is_gone_and_cannot_be_read_issued_or_sent(
    declined, lending, champion, privacy_officer, monkeypatch
):
    a_notice_policy()
    notice = issue_notice(declined.pk, by=lending)
    later = decided_days_ago(champion, 1, lending)
    for decision in (declined, later):
        erase(decision, monkeypatch)

    with pytest.raises(AlreadyErased):
        document_of(Notice.objects.get(pk=notice.pk))
    with pytest.raises(AlreadyErased):
        issue_notice(later.pk, by=lending)
    with pytest.raises(AlreadyErased):
        sent(declined, lending)
    assert Notice.objects.count() == 1


def erase(decision, monkeypatch):
    """By a case, once nothing obliges anybody to keep the decision."""
    from audit import holdings

    monkeypatch.setattr(holdings, "HOLDERS", [])
    recorder, decider = (
        a_person(f"{name} {decision.pk}", "privacy officer") for name in ("paul", "petra")
    )
    case = a_case(recorder, client="", subject_ref="", subject_id=decision.subject_id)
    decided(case, by=decider)
    from serving.tasks import forget_erased

    forget_erased()
    decision.refresh_from_db()


def test_over_http_a_notice_is_issued_read_in_three_forms_and_sent(
    declined, post, client_of_lending
):
    a_notice_policy()
    address = f"decisions/{declined.pk}/notice"
    assert client_of_lending.get(f"/api/v1/{address}").status_code == 404

    issued = post(address, {})
    read = client_of_lending.get(f"/api/v1/{address}")
    page = client_of_lending.get(f"/api/v1/{address}?format=html")
    pdf = client_of_lending.get(f"/api/v1/{address}?format=pdf")
    again = client_of_lending.get(f"/api/v1/{address}?format=pdf")
    delivery = post(
        f"{address}/deliveries", {"channel": "portal", "sent_at": timezone.now().isoformat()}
    )

    assert issued.status_code == 201
    assert issued.json() == read.json()
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert read.json()["document"]["title"] in page.content.decode()
    assert pdf.content.startswith(b"%PDF")
    assert pdf.content == again.content
    assert delivery.status_code == 201
    shown = client_of_lending.get(f"/api/v1/{address}").json()["deliveries"]
    assert shown == [delivery.json()]
    assert client_of_lending.get(f"/api/v1/{address}?format=doc").status_code == 400


def test_over_http_refusals_have_their_own_status(declined, champion, lending, post, monkeypatch):
    a_notice_policy()
    approved = decided_days_ago(champion, 1, lending, features=GOOD)
    assert post(f"decisions/{approved.pk}/notice", {}).status_code == 409
    assert post(f"decisions/{approved.pk}/notice", {}).json()["type"].endswith("no-adverse-action")
    assert post(f"decisions/{champion.pk:032x}/notice", {}).status_code == 404
    assert post(f"decisions/{declined.pk}/notice/deliveries", {}).status_code == 404
    post(f"decisions/{declined.pk}/notice", {})
    assert post(f"decisions/{declined.pk}/notice/deliveries", {}).status_code == 422


def test_who_may_not_see_what_applicants_said_reads_no_notice(
    declined, lending, developer, signed_in
):
    a_notice_policy()
    issue_notice(declined.pk, by=lending)

    assert signed_in(developer).get(f"/api/v1/decisions/{declined.pk}/notice").status_code == 403

"""Notices above the floor that issues them: their policy is approved, late ones are incidents, people see who waits."""

import copy
import re

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from governance import sweeps
from governance.actions.incidents import close_incident
from governance.models import Incident
from governance.queries.policies import require_readable
from registry.actions.policies import propose_policy
from registry.models import Policy
from serving.actions.application_notices import issue_application_notice
from serving.actions.applications import record_status
from serving.errors import NoticeTextsMalformed
from serving.models import ApplicationNotice, Notice
from serving.tasks import watch_notices
from tests.conftest import a_person
from tests.governance.test_api import post
from tests.registry.builders import the_builder
from tests.serving.builders import GOOD, a_champion
from tests.serving.notices.builders import (
    a_notice_policy,
    decided_days_ago,
    sent,
    the_example,
)
from tests.serving.notices.test_statuses import incomplete

pytestmark = pytest.mark.django_db


@pytest.fixture
def champion(db):
    return a_champion()


def test_a_policy_whose_words_are_missing_is_not_asked_for(developer):
    example = the_example()
    del example["body"]["adverse_action"]["words"]["equal_credit_notice"]
    policy = post(developer, "policies", **example).json()

    asked = post(
        developer, "change-requests", kind="policy", policy=policy["id"], rationale="Needed."
    )

    assert asked.status_code == 422
    assert [error["field"] for error in asked.json()["errors"]] == ["words.equal_credit_notice"]


def test_a_policy_names_its_law_and_whose_it_is():
    policy = propose_policy(
        "notice", "default", the_example()["body"], by=the_builder(), rationale="No law."
    )

    with pytest.raises(NoticeTextsMalformed) as refused:
        require_readable(policy)

    assert {problem.field for problem in refused.value.errors} == {"jurisdiction", "legal_basis"}


def proposed(body):
    example = the_example()
    return Policy(
        kind="notice",
        body=body,
        jurisdiction=example["jurisdiction"],
        legal_basis=example["legal_basis"],
    )


def test_nobody_approves_such_words_where_creditor_and_channels_are_not_said():
    body = the_example()["body"]
    del body["adverse_action"]

    with pytest.raises(NoticeTextsMalformed) as refused:
        require_readable(proposed(body))

    assert [problem.field for problem in refused.value.errors] == ["adverse_action"]


def test_nobody_approves_such_words_where_one_is_missing():
    body = copy.deepcopy(the_example()["body"])
    require_readable(proposed(body))
    del body["incompleteness"]["words"]["consequence"]

    with pytest.raises(NoticeTextsMalformed) as refused:
        require_readable(proposed(body))

    assert [problem.field for problem in refused.value.errors] == [
        "incompleteness.words.consequence"
    ]


def test_a_late_notice_is_an_incident_that_a_person_closes(champion, lending, validator):
    a_notice_policy()
    for _ in range(2):
        decided_days_ago(champion, 31, lending)

    watch_notices()
    sweeps.open_incidents()
    sweeps.open_incidents()

    incident = Incident.objects.get()
    assert (incident.kind, incident.version) == ("late_notice", None)
    assert str(incident) == "Late Notice: notices"
    close_incident(incident.pk, "The printer was away.", by=validator)
    sweeps.open_incidents()
    assert Incident.objects.count() == 1

    decided_days_ago(champion, 31, lending)
    watch_notices()
    sweeps.open_incidents()
    assert Incident.objects.filter(state="open").count() == 1


def page(user, signed_in, query=""):
    response = signed_in(user).get(f"/notices-due/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_shows_who_waits_and_is_filtered_by_state_and_model(
    champion, lending, auditor, signed_in
):
    a_notice_policy()
    late, soon, early = (decided_days_ago(champion, days, lending) for days in (31, 21, 2))
    told = decided_days_ago(champion, 31, lending)
    sent(told, lending)
    record_status("A-9", incomplete(champion, 31), by=lending)

    everything = page(auditor, signed_in)
    only_soon = page(auditor, signed_in, "?state=alert")
    nothing = page(auditor, signed_in, "?model=nobody&state=")

    assert all(str(each.pk) in everything for each in (late, soon, early))
    assert everything.index(str(late.pk)) < everything.index(str(soon.pk))
    assert str(told.pk) not in everything
    assert "Incomplete applications" in everything
    assert str(soon.pk) in only_soon
    assert str(late.pk) not in only_soon
    assert str(early.pk) not in only_soon
    assert str(late.pk) in nothing  # an unknown model is no filter


def test_a_counteroffer_with_the_reasons_that_awaits_sending_counts_as_issued(
    champion, lending, auditor, signed_in
):
    a_notice_policy()
    decision = decided_days_ago(champion, 2, lending, application_ref="A-9")
    window = f"/serving/decision/{decision.pk}/change/"
    terms = {"asked": ["USD 25,000"], "offered": ["USD 15,000"]}
    offer = {"status": "counteroffer", "at": timezone.now().isoformat(), **terms}
    status = record_status("A-9", offer, by=lending)

    def said():
        [row] = signed_in(auditor).get("/api/v1/notices/due").json()["results"]
        return row["is_issued"], "not issued" in page(auditor, signed_in)

    assert said() == (False, True)
    issue_application_notice(status.pk, by=lending)
    assert said() == (True, False)
    assert "with a counteroffer: issued, not sent" in page(auditor, signed_in)
    assert "With a counteroffer: " in signed_in(auditor).get(window).content.decode()


def test_the_page_says_where_no_policy_is_in_force(champion, lending, auditor, signed_in):
    decided_days_ago(champion, 31, lending)

    assert f"No notice policy is in force for {champion.model.name}" in page(auditor, signed_in)


def test_who_may_not_see_decisions_sees_nobody_waiting(administrator, signed_in):
    assert signed_in(administrator).get("/notices-due/").status_code == 403


def test_a_person_issues_a_notice_and_records_its_sending_by_buttons(
    champion, lending, analyst, signed_in
):
    a_notice_policy()
    decision = decided_days_ago(champion, 2, lending)
    browser = signed_in(analyst)
    window = f"/serving/decision/{decision.pk}/"
    assert f"{window}issue-notice/" in browser.get(f"{window}change/").content.decode()

    browser.post(f"{window}issue-notice/")
    notice = Notice.objects.get(decision=decision)
    refused = browser.post(
        f"{window}record-delivery/", {"channel": "pigeon", "sent_at": "2026-01-01 09:30"}
    )
    now = f"{timezone.now():%Y-%m-%d %H:%M:%S.%f}"
    browser.post(f"{window}record-delivery/", {"channel": "mail", "sent_at": now})

    assert refused.status_code == 422
    assert notice.issued_by == analyst
    assert notice.deliveries.get().channel == "mail"
    shown = browser.get(f"{window}change/").content.decode()
    assert "notified" in shown
    assert f"/api/v1/decisions/{decision.pk}/notice?format=pdf" in shown
    assert f"{window}issue-notice/" not in shown


@pytest.mark.parametrize("role", ["fair-lending analyst", "credit officer"])
def test_a_person_tells_of_what_an_application_lacks_by_buttons(champion, lending, signed_in, role):
    a_notice_policy()
    status = record_status("A-9", incomplete(champion), by=lending)
    teller = a_person("teller", role)
    browser = signed_in(teller)
    window = f"/serving/applicationstatus/{status.pk}/"
    assert f"{window}issue-notice/" in browser.get(f"{window}change/").content.decode()

    browser.post(f"{window}issue-notice/")
    notice = ApplicationNotice.objects.get(status=status)
    issued = page(teller, signed_in)
    now = f"{timezone.now():%Y-%m-%d %H:%M:%S.%f}"
    browser.post(f"{window}record-delivery/", {"channel": "mail", "sent_at": now})

    assert notice.issued_by == teller
    assert "issued, not sent" in issued
    assert notice.deliveries.get().channel == "mail"
    assert str(status.pk) not in page(teller, signed_in)
    shown = browser.get(f"{window}change/").content.decode()
    assert f"/api/v1/statuses/{status.pk}/notice?format=pdf" in shown
    assert f"{window}issue-notice/" not in shown
    kept = browser.get(f"/serving/applicationnotice/{notice.pk}/change/").content.decode()
    assert f"/api/v1/statuses/{status.pk}/notice?format=html" in kept


def test_an_approved_decision_has_no_button(champion, lending, analyst, signed_in):
    decision = decided_days_ago(champion, 2, lending, features=GOOD)
    window = f"/serving/decision/{decision.pk}/"

    shown = signed_in(analyst).get(f"{window}change/").content.decode()

    assert "issue-notice" not in shown
    assert "No notice policy is in force" in shown


def test_the_measures_count_who_waits_and_name_nobody(champion, lending):
    a_notice_policy()
    for days in (21, 31, 33):
        decided_days_ago(champion, days, lending)
    watch_notices()

    text = Client().get("/metrics").content.decode()

    assert "credence_notices_due_soon 1.0" in text
    assert "credence_notices_late 2.0" in text
    assert "credence_notices_counted_age_seconds" in text


def test_the_desk_shows_who_is_late_and_due_soon(champion, lending, auditor, signed_in):
    a_notice_policy()
    for days in (21, 31, 33):
        decided_days_ago(champion, days, lending)
    watch_notices()

    desk = signed_in(auditor).get("/").content.decode()

    words = " ".join(strip_tags(desk).split())
    assert re.search(r"2 late at \d{4}-\d\d-\d\d \d\d:\d\d UTC", words)
    assert re.search(r"1 due soon at \d{4}-\d\d-\d\d \d\d:\d\d UTC", words)
    assert "/notices-due/?state=late" in desk

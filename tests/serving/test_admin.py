import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from serving.actions.applications import record_status
from serving.models import Decision
from tests.serving.builders import BAD, GOOD, a_decision
from tests.serving.notices.test_statuses import incomplete

pytestmark = pytest.mark.django_db

PAGE = "/serving/decision/"


@pytest.fixture
def reader(auditor):
    """An auditor whose role also lets him see what applicants said."""
    auditor.groups.get().permissions.add(
        *Permission.objects.filter(
            content_type__app_label="serving",
            codename__in=["view_decision", "view_observation", "view_outcome"],
        )
    )
    return auditor


def text_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_is_filtered_by_outcome_and_version(champion, reader, signed_in):
    approved, declined = a_decision(champion, **GOOD), a_decision(champion, **BAD)
    browser = signed_in(reader)

    page = text_of(browser.get(f"{PAGE}?outcome__exact=declined&version__id__exact={champion.pk}"))

    assert str(declined.pk) in page
    assert str(approved.pk) not in page


def test_the_list_is_narrowed_by_model_and_day_without_reading_the_table(
    champion, reader, signed_in
):
    decision = a_decision(champion, **GOOD)
    day = f"{decision.decided_at:%Y-%m-%d}"
    browser = signed_in(reader)

    with CaptureQueriesContext(connection) as asked:
        page = text_of(browser.get(f"{PAGE}?made={day}&model_name={champion.model.name}"))

    assert str(decision.pk) in page
    assert f"made={day[:7]}" in page
    for query in (each for each in asked if '"serving_decision"' in each["sql"]):
        assert "DISTINCT" not in query["sql"]
        assert 'MAX("serving_decision"."decided_at")' not in query["sql"]
        assert "COUNT(*)" not in query["sql"] or "LIMIT" in query["sql"]


@pytest.mark.parametrize(
    "window",
    [
        "notice",
        "noticedelivery",
        "applicationnotice",
        "applicationnoticedelivery",
        "applicationstatus",
        "noticealert",
    ],
)
def test_no_list_about_notices_looks_through_its_table_for_the_values_of_a_filter(
    window, auditor, signed_in
):
    with CaptureQueriesContext(connection) as asked:
        text_of(signed_in(auditor).get(f"/serving/{window}/"))

    queries = [each["sql"] for each in asked if f'"serving_{window}"' in each["sql"]]
    assert queries
    assert not any("DISTINCT" in query for query in queries)


def test_statuses_are_narrowed_to_a_model_that_was_spoken_of(champion, lending, auditor, signed_in):
    record_status("A-9", incomplete(champion), by=lending)

    page = text_of(signed_in(auditor).get("/serving/applicationstatus/"))

    assert f"?model_name={champion.model.name}" in page


def test_the_page_of_a_decision_shows_why_and_its_receipt(champion, reader, signed_in):
    decision = a_decision(champion, **BAD)

    page = text_of(signed_in(reader).get(f"{PAGE}{decision.pk}/change/"))

    assert "Total monthly obligations in relation to income" in page
    assert "data:image/svg+xml;base64," in page
    assert decision.key_id in page
    assert f"/audit/entry/{decision.entry_id}/" in page
    assert re.search(r"dti \(% of monthly income\)\s+70\s", strip_tags(page))


def test_who_may_not_see_observations_sees_the_decision_without_them(champion, auditor, signed_in):
    auditor.groups.get().permissions.add(
        Permission.objects.get(content_type__app_label="serving", codename="view_decision")
    )
    auditor.groups.get().permissions.remove(
        *Permission.objects.filter(content_type__app_label="serving", codename="view_observation")
    )
    decision = a_decision(champion, **BAD)
    browser = signed_in(auditor)

    page = text_of(browser.get(f"{PAGE}{decision.pk}/change/"))

    assert decision.key_id in page
    assert "Total monthly obligations" not in page
    assert "% of monthly income" not in page
    assert browser.get(f"/serving/observation/{decision.pk}/change/").status_code == 403


@pytest.mark.parametrize("person", ["operator", "lending", "superuser"])
def test_who_may_not_see_decisions_sees_none(request, signed_in, champion, person):
    user = request.getfixturevalue(person)
    user.groups.set([])
    decision = a_decision(champion)

    assert signed_in(user).get(f"{PAGE}{decision.pk}/change/").status_code == 403


@pytest.mark.parametrize("path", ["add/", "{}/delete/", "{}/change/"])
def test_nothing_is_changed_through_a_window(champion, reader, signed_in, path):
    decision = a_decision(champion)

    response = signed_in(reader).post(f"{PAGE}{path.format(decision.pk)}", {"outcome": "approved"})

    assert response.status_code == 403
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(
    "table", ["outcome", "loadfailure", "explanationfailure", "idempotencyrecord", "observation"]
)
def test_every_table_has_its_window(champion, auditor, signed_in, table):
    auditor.groups.get().permissions.add(
        Permission.objects.get(content_type__app_label="serving", codename=f"view_{table}")
    )
    a_decision(champion)

    assert text_of(signed_in(auditor).get(f"/serving/{table}/"))

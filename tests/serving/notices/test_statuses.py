"""What becomes of an application outside of deciding it is kept, in an order that makes sense."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from audit.vault import open_private
from registry.errors import UnknownModel
from serving.actions.applications import record_status
from serving.errors import ApplicationEnded, InvalidStatus
from serving.models import ApplicationStatus
from tests.serving.notices.builders import decided_days_ago

pytestmark = pytest.mark.django_db


def at(days_ago: float = 0) -> str:
    return (timezone.now() - timedelta(days=days_ago)).isoformat()


def incomplete(champion, days_ago: float = 3, **changes):
    return {
        "status": "incomplete", "at": at(days_ago), "missing": ["Proof of income"], "subject_ref": "C-9",
        "model": champion.model.name, **changes,
    }  # fmt: skip


def test_an_incomplete_application_is_kept_and_what_is_missing_is_private(champion, lending):
    status = record_status("A-9", incomplete(champion), by=lending)

    assert (status.status, status.model_name) == ("incomplete", champion.model.name)
    assert status.entry.event == "serving.application.status_recorded"
    body = bytes(status.entry.body)
    assert b"Proof" not in body
    assert b'"incomplete"' not in body
    assert str(status.application_id).encode() not in body
    assert open_private(status.entry)["missing"] == ["Proof of income"]


def test_the_application_is_the_same_one_when_it_is_decided_later(champion, lending):
    status = record_status("A-9", incomplete(champion), by=lending)

    decision = decided_days_ago(champion, 0, lending, application_ref="A-9")

    assert decision.application_id == status.application_id


def test_a_reference_of_another_client_means_another_application(champion, lending):
    from tests.conftest import a_person

    other = a_person("broker", "scoring client")
    mine = record_status("A-9", incomplete(champion), by=lending)
    theirs = record_status("A-9", incomplete(champion), by=other)

    assert mine.application_id != theirs.application_id


def test_a_decided_application_needs_neither_person_nor_model(champion, lending):
    decision = decided_days_ago(champion, 2, lending, application_ref="A-9")

    status = record_status("A-9", {"status": "withdrawn", "at": at()}, by=lending)

    assert status.application_id == decision.application_id
    assert status.subject_id == decision.subject_id


def test_the_whole_way_of_a_counteroffer(champion, lending):
    decided_days_ago(champion, 2, lending, application_ref="A-9")
    for status in ("counteroffer", "counteroffer_accepted"):
        record_status("A-9", {"status": status, "at": at()}, by=lending)

    with pytest.raises(ApplicationEnded):
        record_status("A-9", {"status": "withdrawn", "at": at()}, by=lending)

    assert ApplicationStatus.objects.count() == 2


def test_the_terms_of_a_counteroffer_are_private(champion, lending):
    decided_days_ago(champion, 2, lending, application_ref="A-9")
    terms = {"asked": ["USD 25,000"], "offered": ["USD 15,000", "48 months"]}

    status = record_status("A-9", {"status": "counteroffer", "at": at(), **terms}, by=lending)

    assert b"15,000" not in bytes(status.entry.body)
    kept = open_private(status.entry)
    assert (kept["asked"], kept["offered"]) == (["USD 25,000"], ["USD 15,000", "48 months"])


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"status": "lost"}, {("status", "unknown"), ("missing", "unexpected")}),
        ({"status": {}}, {("status", "unknown"), ("missing", "unexpected")}),
        ({"at": None, "missing": None}, {("at", "missing"), ("missing", "missing")}),
        ({"at": "2126-01-01T00:00:00Z"}, {("at", "out_of_range")}),
        ({"missing": []}, {("missing", "wrong_type")}),
        ({"missing": ["x", 7]}, {("missing", "wrong_type")}),
        ({"respond_by": "2126-01-01"}, {("respond_by", "unexpected")}),
        (
            {"asked": ["USD 25,000"], "offered": ["USD 15,000"]},
            {("asked", "unexpected"), ("offered", "unexpected")},
        ),
        (
            {"status": "counteroffer", "missing": None, "asked": ["USD 25,000"]},
            {("offered", "missing")},
        ),
        (
            {"status": "counteroffer", "missing": None, "asked": [], "offered": "USD 15,000"},
            {("asked", "wrong_type"), ("offered", "wrong_type")},
        ),
        ({"subject_ref": None, "model": None}, {("subject_ref", "missing"), ("model", "missing")}),
        ({"subject_ref": "", "note": 1}, {("subject_ref", "wrong_type"), ("body", "unexpected")}),
        ({"status": "counteroffer", "missing": None}, {("status", "out_of_order")}),
        ({"status": "counteroffer_accepted", "missing": None}, {("status", "out_of_order")}),
        (
            {"status": "incompleteness_notified", "missing": None},
            {("respond_by", "missing")},
        ),
        (
            {"status": "incompleteness_notified", "missing": None, "respond_by": "2026-01-32"},
            {("respond_by", "wrong_type")},
        ),
        (
            {"status": "incompleteness_notified", "missing": None, "respond_by": "2020-01-01"},
            {("respond_by", "out_of_range")},
        ),
    ],
)
def test_what_cannot_be_is_refused_with_every_field(champion, lending, changes, problems):
    with pytest.raises(InvalidStatus) as refused:
        record_status("A-9", incomplete(champion, **changes), by=lending)

    assert {(problem.field, problem.type) for problem in refused.value.errors} == problems
    assert not ApplicationStatus.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 1


def test_a_model_that_nobody_knows_is_no_model(champion, lending):
    with pytest.raises(UnknownModel):
        record_status("A-9", incomplete(champion, model="nobody"), by=lending)

    assert not ApplicationStatus.objects.exists()


def test_only_the_lending_system_reports(champion, analyst):
    with pytest.raises(NotPermitted):
        record_status("A-9", incomplete(champion), by=analyst)


def test_a_status_never_changes(champion, lending):
    status = record_status("A-9", incomplete(champion), by=lending)

    with pytest.raises(IntegrityError), transaction.atomic():
        ApplicationStatus.objects.filter(pk=status.pk).update(status="withdrawn")


def test_over_http(champion, post):
    response = post("applications/A-9/status", incomplete(champion))
    told = post(
        "applications/A-9/status",
        {"status": "incompleteness_notified", "at": at(), "respond_by": "2126-01-01"},
    )

    assert (response.status_code, told.status_code) == (201, 201)
    assert told.json()["respond_by"] == "2126-01-01"
    slashed = post("applications/A/9%20b/status", incomplete(champion))
    assert slashed.status_code == 201
    unprintable = post("applications/A%00/status", incomplete(champion))
    assert unprintable.status_code in {400, 422}
    assert post("applications/A-10/status", {"status": "withdrawn"}).status_code == 422

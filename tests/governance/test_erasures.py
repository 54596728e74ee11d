"""Requests for erasure and legal holds over HTTP, on their pages, at the desk and from a terminal."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import Entry, Erasure, ErasureCase, LegalHold
from governance.clock import days_left
from monitoring.models import ProtectedValue
from monitoring.tasks import forget_erased
from serving.models import Observation
from tests.audit.people import a_case, a_hold
from tests.conftest import a_person
from tests.monitoring.builders import a_monitored_champion, decided
from tests.monitoring.test_protected_values import person, supplied

pytestmark = pytest.mark.django_db
TODAY = "2026-11-21"


@pytest.fixture
def paul():
    """A second privacy officer."""
    return a_person("paul", "privacy officer")


@pytest.fixture
def decision():
    """Of somebody about whom monitoring holds attributes as well."""
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person(0))
    return decision


def sent(client, path, **body):
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")


def a_request(decision, **changes):
    return {
        "correspondence": "DSR-7",
        "identity_check": "Passport seen.",
        "received_on": str(timezone.now().date()),
        "subject_id": str(decision.subject_id),
    } | changes


def test_a_request_goes_from_its_dry_run_to_its_letter_over_http(
    decision, privacy_officer, paul, signed_in
):
    case = sent(signed_in(privacy_officer), "erasure-cases", **a_request(decision)).json()
    decider = signed_in(paul)
    looked = decider.get(f"/api/v1/erasure-cases/{case['id']}").json()["would_be"]
    assert looked["outcome"] == "partially_erased"
    assert not Erasure.objects.exists()

    answer = sent(decider, f"erasure-cases/{case['id']}/decision", seen=looked["digest"])

    assert answer.status_code == 200
    assert answer.json()["outcome"] == "partially_erased"
    assert answer.json()["is_restricted"] is True
    assert "17(3)(b)" in answer.json()["letter"]
    forget_erased()
    assert not ProtectedValue.objects.filter(scope="client").exists()
    assert Observation.objects.exists()
    assert {erasure.purpose for erasure in Erasure.objects.all()} == {"monitoring"}


def test_attributes_are_not_taken_again_of_somebody_who_had_them_erased(
    decision, privacy_officer, paul, signed_in
):
    case = a_case(privacy_officer, client="", subject_ref="", subject_id=decision.subject_id)
    decider = signed_in(paul)
    seen = decider.get(f"/api/v1/erasure-cases/{case.pk}").json()["would_be"]["digest"]
    sent(decider, f"erasure-cases/{case.pk}/decision", seen=seen)

    [result] = supplied(person(0))

    assert [problem.type for problem in result.errors] == ["erased"]


def test_whoever_recorded_a_request_is_refused_over_http(decision, privacy_officer, signed_in):
    client = signed_in(privacy_officer)
    case = sent(client, "erasure-cases", **a_request(decision)).json()

    answer = sent(client, f"erasure-cases/{case['id']}/decision", seen=case["would_be"]["digest"])

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/recorder-cannot-decide"
    assert not Erasure.objects.exists()


def test_a_hold_is_placed_and_released_over_http(decision, counsel, signed_in):
    client = signed_in(counsel)
    order = {
        "matter": "2026-117",
        "scope": "subject",
        "subject_id": str(decision.subject_id),
        "custodian": "Carla Counsel",
        "reason": "Suit.",
        "review_on": str(timezone.now().date() + timedelta(days=90)),
    }

    hold = sent(client, "legal-holds", **order).json()
    refused = sent(client, f"legal-holds/{hold['id']}/release", reason=" ")
    released = sent(client, f"legal-holds/{hold['id']}/release", reason="Settled.")

    assert refused.status_code == 422
    assert released.json()["released_by"] == "carla"
    assert client.get("/api/v1/legal-holds").json()["count"] == 1
    assert client.get(f"/api/v1/legal-holds/{hold['id']}").json()["matter"] == "2026-117"


def test_neither_is_seen_without_a_role(decision, developer, signed_in):
    client = signed_in(developer)

    for path in ("erasure-cases", "legal-holds"):
        assert client.get(f"/api/v1/{path}").status_code == 403
    assert sent(client, "erasure-cases", **a_request(decision)).status_code == 403


def test_a_request_is_recorded_extended_and_decided_on_its_pages(
    decision, privacy_officer, paul, signed_in
):
    recorder, decider = signed_in(privacy_officer), signed_in(paul)
    answer = recorder.post(
        "/audit/erasurecase/record/",
        {
            "correspondence": "DSR-9",
            "received_on": str(timezone.now().date()),
            "identity_check": "Passport seen.",
            "subject_id": str(decision.subject_id),
        },
        follow=True,
    )
    assert 'data-outcome="done"' in answer.content.decode()
    case = ErasureCase.objects.get()
    page = decider.get(f"/audit/erasurecase/{case.pk}/change/").content.decode()
    assert "would be kept" in page
    assert "/decide/" in page
    extended = recorder.post(
        f"/audit/erasurecase/{case.pk}/extend/", {"reason": "Many requests."}, follow=True
    )
    assert "Tell the person by" in extended.content.decode()

    shown = decider.get(f"/audit/erasurecase/{case.pk}/decide/")
    seen = shown.context["form"].initial["seen"]
    assert "partially erased" in shown.content.decode()
    stale = decider.post(f"/audit/erasurecase/{case.pk}/decide/", {"seen": "0" * 64})
    assert stale.status_code == 409
    assert stale.context["form"].initial["seen"] == seen
    done = decider.post(f"/audit/erasurecase/{case.pk}/decide/", {"seen": seen}, follow=True)

    assert "Decided: partially erased" in done.content.decode()
    assert "lodge a complaint" in done.content.decode()
    assert "/decide/" not in done.content.decode()


def test_a_hold_is_placed_and_released_on_its_pages(counsel, signed_in):
    client = signed_in(counsel)
    client.post(
        "/audit/legalhold/place/",
        {
            "matter": "2026-118",
            "scope": "model",
            "model": "loanapp",
            "first_on": "2026-01-01",
            "custodian": "Carla",
            "reason": "Investigation.",
            "review_on": str(timezone.now().date() + timedelta(days=30)),
        },
    )
    hold = LegalHold.objects.get()
    page = client.get(f"/audit/legalhold/{hold.pk}/change/").content.decode()
    assert "model loanapp from 2026-01-01" in page
    assert "30 days left" in page

    client.post(f"/audit/legalhold/{hold.pk}/release/", {"reason": "Closed."})

    hold.refresh_from_db()
    assert hold.release_reason == "Closed."
    assert client.get("/audit/legalhold/").status_code == 200


def test_the_desk_shows_the_clocks_that_run_to_those_who_answer_them(
    decision, privacy_officer, counsel, developer, signed_in
):
    a_case(privacy_officer, client="", subject_ref="", subject_id=decision.subject_id)
    a_hold(counsel)

    desk = signed_in(privacy_officer).get("/").content.decode()

    assert "DSR-2026-0042" in desk
    assert "2026-117" in desk
    assert "days left" in desk
    assert "DSR-2026-0042" not in signed_in(developer).get("/").content.decode()


def test_the_command_shows_first_and_erases_only_when_told_to(
    decision, privacy_officer, paul, capsys
):
    call_command(
        "erasure", "--as", "petra", "record", "--correspondence", "DSR-5", "--identity-check", "Passport.",
        "--received-on", str(timezone.now().date()), "--subject-id", str(decision.subject_id),
    )  # fmt: skip
    case = ErasureCase.objects.get()

    call_command("erasure", "--as", "paul", "list")
    assert "DSR-5" in capsys.readouterr().out
    call_command("erasure", "--as", "paul", "decide", str(case.pk))
    assert "Nothing was changed" in capsys.readouterr().out
    call_command("erasure", "--as", "paul", "decide", str(case.pk), "--yes")

    assert "partially_erased" in capsys.readouterr().out
    case.refresh_from_db()
    assert (case.state, case.decided_by) == ("decided", "paul")


def test_the_command_records_in_the_name_of_a_person_alone(decision):
    with pytest.raises(CommandError, match="does not hold"):
        call_command(
            "erasure", "record", "--correspondence", "DSR-5", "--identity-check", "Passport.",
            "--received-on", TODAY, "--subject-id", str(decision.subject_id),
        )  # fmt: skip


def test_a_hold_is_placed_and_released_by_command(decision, counsel, paul, capsys):
    review = str(timezone.now().date() + timedelta(days=90))
    words = (
        "place", "--matter", "2026-118", "--subject-id", str(decision.subject_id),
        "--custodian", "Counsel", "--reason", "A suit.", "--review-on", review,
    )  # fmt: skip
    with pytest.raises(CommandError, match="does not hold"):
        call_command("hold", "--as", "paul", *words)
    call_command("hold", "--as", counsel.username, *words)
    hold = LegalHold.objects.get()

    call_command("hold", "--as", counsel.username, "list")
    call_command("hold", "--as", counsel.username, "release", str(hold.pk), "--reason", "Settled.")

    assert f"{hold.pk}  2026-118  person {decision.subject_id}" in capsys.readouterr().out
    hold.refresh_from_db()
    assert (hold.scope, hold.placed_by, hold.release_reason) == (
        "subject",
        counsel.username,
        "Settled.",
    )


def test_the_retention_command_shows_and_then_records_that_it_looked(decision, capsys):
    call_command("retention", "--dry-run")
    assert "Nothing was changed" in capsys.readouterr().out
    assert not Entry.objects.filter(event="audit.retention.reviewed").exists()

    call_command("retention")

    assert "were erased" in capsys.readouterr().out
    assert Entry.objects.filter(event="audit.retention.reviewed").exists()


def test_days_are_counted_in_words():
    today = timezone.now().date()

    assert days_left(today, today) == "due today"
    assert days_left(today + timedelta(days=1), today) == "1 day left"
    assert days_left(today - timedelta(days=3), today) == "3 days late"

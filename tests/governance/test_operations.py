"""What those who run the service look at."""

import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit import keys
from audit.models import Checkpoint, Entry, Publication
from governance.actions.accounts import create_user

pytestmark = pytest.mark.django_db


def test_the_process_says_that_it_answers() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_ready_means_that_acts_can_be_recorded_and_are_sealed(administrator: User) -> None:
    create_user("somebody", by=administrator)

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["problems"]) == (200, [])


def test_without_a_sequencer_the_service_is_not_ready_and_says_why(
    administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_user("somebody", by=administrator)
    later = timezone.now() + timedelta(minutes=5)
    monkeypatch.setattr("governance.operations.timezone.now", lambda: later)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "sequencer" in answer.json()["problems"][0]


def test_without_keys_the_service_is_not_ready_and_names_the_file(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.CREDENCE_KEYS = tmp_path

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "keys init" in answer.json()["problems"][0]


def in_days(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + timedelta(days=days)
    monkeypatch.setattr("audit.keys.timezone.now", lambda: later)


def test_in_the_last_week_of_the_producer_key_the_service_is_ready_and_warns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Client().get("/readyz").json()["warnings"] == []
    in_days(24, monkeypatch)

    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert any("keys rotate" in warning for warning in answer.json()["warnings"])
    assert b"credence_producer_key_seconds_left 5" in Client().get("/metrics").content


def test_with_an_expired_producer_key_the_service_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_days(31, monkeypatch)

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "keys rotate" in answer.json()["problems"][0]
    assert Client().get("/metrics").status_code == 200


def test_measures_hold_no_name_of_anybody(administrator: User) -> None:
    create_user("somebody-special", by=administrator)

    page = Client().get("/metrics").content.decode()

    assert "credence_log_oldest_waiting_seconds" in page
    assert "credence_change_requests_open 0.0" in page
    assert "somebody" not in page
    assert Entry.objects.exists()


def test_an_address_of_the_api_that_does_not_exist_is_a_problem_and_no_page() -> None:
    answer = Client().get("/api/v1/no-such-thing")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-found"


def test_browsers_find_the_icon_that_they_ask_for() -> None:
    address = Client().get("/favicon.ico")["Location"]

    with closing(Client().get(address)) as answer:
        assert answer.status_code == 200


def a_signed_head(size: int, *, seconds_ago: int = 0, published: bool = False) -> Checkpoint:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    head = Checkpoint.objects.create(
        origin=keys.current_origin(), size=size, root=bytes(32), note="-", signed_at=at
    )
    if published:
        Publication.objects.create(checkpoint=head, note="-", published_at=at)
    return head


def test_heads_that_wait_for_witnesses_are_counted_and_warned_of() -> None:
    a_signed_head(2, seconds_ago=100, published=True)
    a_signed_head(3, seconds_ago=400)
    a_signed_head(9)

    measures = Client().get("/metrics").content.decode()

    assert "credence_log_uncosigned_heads 2.0" in measures
    age = re.search(r"^credence_log_published_age_seconds (.+)$", measures, re.MULTILINE)
    assert age is not None
    assert 100 <= float(age[1]) < 160
    (warning,) = Client().get("/readyz").json()["warnings"]
    assert "witnesses" in warning

"""Versions are made ready before they decide, in each web process and off the path of requests."""

import time
from datetime import timedelta
from threading import Event
from types import SimpleNamespace

import pytest
from django.db import DatabaseError
from django.utils import timezone

from registry.actions.clearances import revoke_clearance
from serving import scoring, warming
from serving.in_service import bytes_of, versions_to_keep_ready
from tests.registry.builders import a_clearance, a_version, the_builder
from tests.serving.builders import a_champion
from tests.serving.test_clearances import damage, own_store  # noqa: F401  a fixture


@pytest.fixture(autouse=True)
def _nothing_is_ready():
    scoring.loaded.cache_clear()


def wanted(most: int = 8):
    return versions_to_keep_ready(timezone.now(), most)


@pytest.mark.django_db
def test_the_champion_the_way_back_and_what_is_staged_are_wanted_in_that_order():
    former = a_champion()
    staged = a_version(former.model, stage="staging")
    champion = a_version(former.model, stage="production")
    for stage in ("registered", "rejected"):
        a_version(former.model, stage=stage)
    former.refresh_from_db()
    grant = a_clearance(former, "rollback", valid_to=timezone.now() + timedelta(days=30))

    assert wanted() == [bytes_of(champion), bytes_of(former), bytes_of(staged)]
    assert wanted(1) == [bytes_of(champion)]
    revoke_clearance(grant, by=the_builder(), reason="It is no way back any more.")
    assert wanted() == [bytes_of(champion), bytes_of(staged)]


@pytest.mark.django_db
def test_a_look_makes_each_ready_once_and_fetches_nothing_back():
    champion = a_champion()

    met = warming.look(frozenset())
    assert met == {bytes_of(champion)}
    assert scoring.loaded.made == 1
    scoring.loaded.cache_clear()
    assert warming.look(met) == met
    assert scoring.loaded.made == 0


@pytest.mark.django_db
def test_what_cannot_be_made_ready_does_not_stop_the_others(own_store):  # noqa: F811
    broken, sound = a_champion(), a_champion()
    damage(own_store, "artefacts", broken.artefact_id)

    assert warming.look(frozenset()) == {bytes_of(sound)}


def test_a_look_that_fails_in_any_way_is_not_the_last(monkeypatch, caplog):
    looks = iter([RuntimeError("out of processes"), DatabaseError("away")])
    enough = Event()

    def look(met):
        for problem in looks:
            raise problem
        enough.set()
        return met

    monkeypatch.setattr(warming, "look", look)
    monkeypatch.setattr(warming, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(warming, "close_old_connections", lambda: None)
    monkeypatch.setattr(warming, "connections", SimpleNamespace(close_all=lambda: None))

    stopped = warming.keep_warm()

    assert enough.wait(10)
    stopped.set()
    assert "out of processes" in caplog.text


def test_the_thread_makes_a_version_ready_within_a_second_or_two(own_database, django_db_blocker):
    with django_db_blocker.unblock():
        stopped = warming.keep_warm()
        try:
            version = a_champion()
            deadline = time.monotonic() + 20
            while scoring.loaded.made == 0 and time.monotonic() < deadline:
                time.sleep(0.05)
            made = scoring.loaded.made
            scoring.loaded(bytes_of(version))
        finally:
            stopped.set()

    assert made == scoring.loaded.made == 1

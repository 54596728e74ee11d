"""Erasing somebody about whom something is written at the same moment: one waits for the other, and sees what it did."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from audit import vault
from audit.actions.retention import RetentionNotEnded, end_retention
from audit.actions.subjects import erase_subject
from audit.errors import AlreadyErased
from audit.models import Entry
from serving.actions.decisions import decide
from serving.models import Decision, Outcome
from tests.serving.builders import a_champion, an_application, the_client
from tests.serving.test_holdings import seven_years, the_archiver, years_later

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def side_by_side(own_database):
    """SQLite runs one act at a time."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite runs one act at a time")


def test_a_person_who_comes_back_after_an_erasure_is_decided_as_somebody_new(
    own_database, django_db_blocker
):
    with django_db_blocker.unblock():
        version, client = a_champion(), the_client()
        application = an_application(subject_ref="C-1")
        first = decide(version.model.name, application, by=client)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                vault.secrets_of([first.subject_id])
                erasing = pool.submit(_erase, first.subject_id)
                with pytest.raises(TimeoutError):
                    erasing.result(timeout=0.5)
            assert len(erasing.result(timeout=10)) == 2
        again = decide(version.model.name, application, by=client)

        assert again.subject_id != first.subject_id
        assert vault.open_private(again.entry)["features"]
        with pytest.raises(AlreadyErased):
            vault.open_private(first.entry)


def test_the_pass_sees_the_decision_that_was_made_while_it_waited(
    own_database, django_db_blocker, monkeypatch
):
    with django_db_blocker.unblock():
        version, client = a_champion(), the_client()
        old = decide(version.model.name, an_application(subject_ref="C-1"), by=client)
        years_later(monkeypatch, seven_years(old.decided_at.date()))
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                vault.secrets_of([old.subject_id])
                ending = pool.submit(_end, old.subject_id)
                with pytest.raises(TimeoutError):
                    ending.result(timeout=0.5)
                new = Decision.objects.get()
                _an_outcome_of(new, seven_years(old.decided_at.date()))
            with pytest.raises(RetentionNotEnded):
                ending.result(timeout=10)

        assert vault.secrets_of([old.subject_id])


def _an_outcome_of(decision, observed_on):
    """What an act that is going on at this moment leaves."""
    Outcome.objects.create(
        decision=decision,
        bad=False,
        observed_on=observed_on,
        months_on_book=84,
        matured=True,
        source="core banking",
        supplied_by=decision.client,
        entry=Entry.objects.exclude(pk=decision.entry_id).order_by("pk").first(),
    )


def _erase(subject_id):
    try:
        return erase_subject(
            subject_id, by=the_archiver(), legal_basis="GDPR Art. 17(1)", reason="Asked."
        )
    finally:
        connections.close_all()


def _end(subject_id):
    try:
        return end_retention(subject_id, by=the_archiver())
    finally:
        connections.close_all()

"""Requests that come at the same moment, on a database that really commits."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client

from audit import references, vault
from audit.models import Entry, Subject, SubjectSecret
from registry.actions.clearances import revoke_clearance
from registry.models import ModelVersion
from serving.claims import claim
from serving.idempotency import IdempotencyKey
from serving.models import Decision, Outcome
from tests.registry.builders import the_builder
from tests.serving.builders import a_champion, a_decision, an_application, the_client

pytestmark = pytest.mark.usefixtures("own_database")

TOGETHER = 6


@pytest.fixture(autouse=True)
def _unblocked(own_database, django_db_blocker):
    with django_db_blocker.unblock():
        yield


def at_the_same_moment(send):
    """The answers of several clients that all begin when the last of them is ready."""
    barrier = Barrier(TOGETHER)

    def client(number):
        try:
            browser = Client(raise_request_exception=False)
            browser.force_login(User.objects.get(username=the_client_name()))
            barrier.wait()
            return send(browser, number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(client, range(TOGETHER)))


def the_client_name():
    return "lending of the tests"


def post(browser, champion, body, key=None):
    return browser.post(
        f"/api/v1/models/{champion.model.name}/decisions",
        json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": key} if key else {},
    )


def test_one_key_sent_many_times_at_once_is_one_decision():
    champion, body = a_champion(), an_application()
    the_client()

    answers = at_the_same_moment(lambda browser, _: post(browser, champion, body, "k-1"))

    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len(made) == 1
    for answer in answers:
        if answer.status_code == 200:
            assert answer.json() == made[0].json()
        elif answer.status_code == 409:
            assert answer.json()["type"] == "/problems/request-in-progress"
    assert Decision.objects.count() == 1
    assert Entry.objects.filter(event="serving.decision.made").count() == 1


@pytest.mark.postgres
def test_while_a_key_is_being_answered_another_request_is_told_409():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite runs one act at a time")
    champion, lender, body = a_champion(), the_client(), an_application()

    def ask():
        try:
            browser = Client()
            browser.force_login(lender)
            return post(browser, champion, body, "k-1")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with transaction.atomic():
            claim(IdempotencyKey("k-1", ""), lender)  # as the request that is being answered
            meanwhile = other.submit(ask).result()
        afterwards = other.submit(ask).result()

    assert meanwhile.status_code == 409
    assert meanwhile.json()["type"] == "/problems/request-in-progress"
    assert afterwards.status_code == 201


def test_decisions_at_once_all_stand_with_their_entries():
    champion = a_champion()
    the_client()

    answers = at_the_same_moment(
        lambda browser, _: [post(browser, champion, an_application()) for _ in range(5)]
    )

    ids = {answer.json()["decision_id"] for row in answers for answer in row}
    assert len(ids) == 5 * TOGETHER
    stored = Decision.objects.select_related("entry").in_bulk(ids)
    assert len(stored) == len(ids)
    assert len({decision.entry_id for decision in stored.values()}) == len(ids)


def test_what_is_decided_together_keeps_its_own_request_and_answer_and_a_bad_one_spoils_no_other():
    champion = a_champion()
    the_client()

    def send(browser, number):
        return [
            browser.post(
                f"/api/v1/models/{champion.model.name}/decisions",
                json.dumps(
                    an_application(
                        f"A-{number}-{turn}", **({"dti": "high"} if turn == number else {})
                    )
                ),
                content_type="application/json",
                headers={
                    "X-Request-Id": f"r-{number}-{turn}",
                    "Idempotency-Key": f"k-{number}-{turn}",
                },
            )
            for turn in range(8)
        ]

    answers = at_the_same_moment(send)

    for number, row in enumerate(answers):
        assert [answer.status_code for answer in row] == [
            422 if turn == number else 201 for turn in range(8)
        ]
        for turn, answer in enumerate(row):
            if answer.status_code == 422:
                entry = Entry.objects.get(request_id=f"r-{number}-{turn}")
                assert entry.event == "audit.action_refused"
                continue
            decision = Decision.objects.get(pk=answer.json()["decision_id"])
            known = references.find(the_client_name(), "application", [f"A-{number}-{turn}"])
            assert decision.application_id == known[f"A-{number}-{turn}"]
            assert decision.entry.request_id == f"r-{number}-{turn}"


def test_a_person_whom_many_requests_name_first_at_once_is_one_person():
    champion = a_champion()
    the_client()

    answers = at_the_same_moment(
        lambda browser, _: [
            post(browser, champion, an_application(f"A-{number}", f"C-{number}"))
            for number in range(8)
        ]
    )

    assert {answer.status_code for row in answers for answer in row} == {201}
    assert Subject.objects.count() == SubjectSecret.objects.count() == 8
    assert Decision.objects.values("subject_id", "application_id").distinct().count() == 8
    for decision in Decision.objects.select_related("entry"):
        assert vault.open_private(decision.entry)["application_id"] == str(decision.application_id)


def test_batches_that_name_the_same_people_in_other_orders_do_not_wait_for_each_other():
    champion = a_champion()
    the_client()
    people = [(f"A-{number}", f"C-{number}") for number in range(300)]

    def batch(browser, number):
        order = people if number % 2 else people[::-1]
        return browser.post(
            f"/api/v1/models/{champion.model.name}/decisions/batch",
            json.dumps({"applications": [an_application(*refs) for refs in order]}),
            content_type="application/json",
        )

    answers = at_the_same_moment(batch)

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["decided"] for answer in answers} == {len(people)}
    assert Subject.objects.count() == len(people)


def test_a_label_sent_many_times_at_once_is_recorded_once():
    champion = a_champion()
    decision = a_decision(champion)
    label = {
        "bad": True,
        "observed_on": f"{decision.decided_at:%Y-%m-%d}",
        "months_on_book": 12,
        "matured": True,
        "source": "collections",
    }

    answers = at_the_same_moment(
        lambda browser, _: browser.post(
            f"/api/v1/decisions/{decision.pk}/label",
            json.dumps(label),
            content_type="application/json",
        )
    )

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 409, 422}
    assert Outcome.objects.count() == 1


def test_after_a_revocation_has_committed_nothing_more_is_decided():
    champion = a_champion()
    the_client()

    def race(browser, number):
        if number:
            return [post(browser, champion, an_application()) for _ in range(5)]
        return revoke_clearance(champion.clearances.get(), by=the_builder(), reason="Unsound.")

    at_the_same_moment(race)

    revocation = ModelVersion.objects.get(pk=champion.pk).clearances.get(kind="revocation")
    later = Decision.objects.filter(entry__occurred_at__gt=revocation.entry.occurred_at)
    # PostgreSQL lets a decision end that was being made: one for each of the other clients.
    assert later.count() <= (0 if connection.vendor == "sqlite" else TOGETHER - 1)
    browser = Client()
    browser.force_login(the_client())
    assert post(browser, champion, an_application()).status_code == 503

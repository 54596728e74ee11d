"""Batches as NDJSON: one application a line, one answer a line."""

import json

import httpx
import pytest
from django.db import connections

from audit.models import Entry
from registry.actions.clearances import revoke_clearance
from serving.chunks import CHUNK
from serving.models import Decision
from tests.conftest import a_person
from tests.registry.builders import the_builder
from tests.registry.live import a_token
from tests.serving.builders import BAD, GOOD, a_champion, an_application
from tests.web import granian


def lines_of(applications):
    return b"".join(json.dumps(one).encode() + b"\n" for one in applications)


def answers_in(response):
    return [json.loads(line) for line in response.getvalue().splitlines()]


@pytest.fixture
def stream(client_of_lending, champion):
    def send(body, key=None, **headers):
        return client_of_lending.post(
            f"/api/v1/models/{champion.model.name}/decisions/batch",
            body,
            content_type="application/x-ndjson",
            headers={**({"Idempotency-Key": key} if key else {}), **headers},
        )

    return send


@pytest.mark.django_db
class TestAStream:
    def test_each_line_gets_its_answer_in_order(self, stream, decide_over_http):
        applications = [an_application(**GOOD), an_application(**BAD)]

        response = stream(lines_of(applications), Accept="application/x-ndjson")

        assert response.status_code == 200
        assert response["Content-Type"] == "application/x-ndjson"
        answers = [row["decision"] for row in answers_in(response)]
        assert [one["outcome"] for one in answers] == ["approved", "declined"]
        assert answers[1]["explanation"] == decide_over_http(applications[1]).json()["explanation"]

    def test_entries_of_a_stream_say_how_it_came_in(self, stream):
        applications = [an_application() for _ in range(CHUNK + 1)]

        response = stream(lines_of(applications), **{"X-Request-Id": "r-1"})

        assert len(answers_in(response)) == CHUNK + 1
        bodies = [
            json.loads(bytes(entry.body))
            for entry in Entry.objects.filter(event="serving.decision.made")
        ]
        assert {body["request_id"] for body in bodies} == {"r-1"}

    def test_a_bad_line_is_refused_in_its_place(self, stream):
        body = lines_of([an_application()]) + b"nonsense\n\n" + lines_of([an_application(dti="x")])

        first, second, third = answers_in(stream(body))

        assert "decision" in first
        assert second["problem"]["type"] == "/problems/malformed-body"
        assert [e["field"] for e in third["problem"]["errors"]] == ["dti"]
        assert Entry.objects.filter(event="serving.applications.refused").count() == 1

    def test_a_line_that_is_too_long_is_refused_and_the_next_is_decided(self, stream):
        body = b'{"features": "' + b"x" * 3 * 2**20 + b'"}\n' + lines_of([an_application()])

        first, second = answers_in(stream(body))

        assert first["problem"]["type"] == "/problems/body-too-large"
        assert "decision" in second

    def test_the_same_key_and_body_decide_nothing_twice(self, stream):
        body = lines_of([an_application(), an_application(dti="high")])

        first, second = answers_in(stream(body, "s-1")), answers_in(stream(body, "s-1"))

        assert first == second
        assert Decision.objects.count() == 1

    def test_a_body_that_grew_under_the_same_key_is_refused(self, stream):
        applications = [an_application(), an_application()]
        answers_in(stream(lines_of(applications[:1]), "s-1"))

        response = stream(lines_of(applications), "s-1")

        assert response.status_code == 422
        assert response.json()["type"] == "/problems/idempotency-key-reused"
        assert Decision.objects.count() == 1

    def test_what_refuses_everything_is_the_status(self, stream, champion):
        revoke_clearance(champion.clearances.get(), by=the_builder(), reason="A doubt.")

        response = stream(lines_of([an_application()]))

        assert response.status_code == 503
        assert response["Content-Type"] == "application/problem+json"

    def test_an_empty_body_is_no_batch(self, stream):
        response = stream(b"\n", Accept="application/x-ndjson")

        assert response.status_code == 422
        assert response.json()["type"] == "/problems/batch-out-of-bounds"


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_real_server_answers_more_than_a_json_batch_may_hold(
    own_database, django_db_blocker, tmp_path, in_pieces
):
    with django_db_blocker.unblock():
        champion = a_champion()
        token = a_token(a_person("lending", "scoring client"))
        applications = [an_application() for _ in range(3 * CHUNK + 1)]
        body = lines_of(applications)
        connections.close_all()
        with granian(own_database, tmp_path) as site:
            response = httpx.post(
                f"{site}/api/v1/models/{champion.model.name}/decisions/batch",
                content=iter([body[:70_000], body[70_000:]]) if in_pieces else body,
                headers={
                    "Authorization": f"Token {token}",
                    "Content-Type": "application/x-ndjson",
                },
                timeout=120,
            )

        answers = [json.loads(line) for line in response.text.splitlines()]
        assert len(answers) == len(applications)
        assert all("decision" in one for one in answers)
        assert Decision.objects.count() == len(applications)

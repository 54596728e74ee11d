import json

import pytest
from django.conf import settings

from audit.models import Entry
from registry.actions.clearances import revoke_clearance
from serving.models import Decision, IdempotencyRecord
from tests.conftest import a_person
from tests.registry.builders import a_clearance, the_builder
from tests.serving.builders import BAD, an_application

pytestmark = pytest.mark.django_db


def test_the_same_key_and_body_get_the_same_answer_and_no_second_decision(decide_over_http):
    application = an_application(**BAD)

    first = decide_over_http(application, key="k-1")
    second = decide_over_http(application, key="k-1")

    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    assert second.status_code == 200
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json() == first.json()
    assert Decision.objects.count() == 1
    assert Entry.objects.filter(event="serving.decision.made").count() == 1


def test_the_same_key_with_another_body_is_refused_and_decides_nothing(decide_over_http):
    application = an_application()
    decide_over_http(application, key="k-1")

    response = decide_over_http(application | {"application_ref": "another"}, key="k-1")

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/idempotency-key-reused"
    assert Decision.objects.count() == 1


def test_the_same_key_at_another_model_is_another_request(post, champion):
    application = an_application()
    post(f"models/{champion.model.name}/decisions", application, key="k-1")

    response = post("models/another/decisions", application, key="k-1")

    assert response.json()["type"] == "/problems/idempotency-key-reused"


def test_a_key_belongs_to_one_client(decide_over_http, champion, signed_in):
    application = an_application()
    decide_over_http(application, key="k-1")
    other = a_person("other lender", "scoring client")

    response = signed_in(other).post(
        f"/api/v1/models/{champion.model.name}/decisions",
        json.dumps(application),
        content_type="application/json",
        headers={"Idempotency-Key": "k-1"},
    )

    assert response.status_code == 201
    one, two = Decision.objects.all()
    assert one.subject_id != two.subject_id


def test_a_refused_request_uses_no_key_up(decide_over_http):
    refused = decide_over_http(an_application(dti="high"), key="k-1")
    accepted = decide_over_http(an_application(), key="k-1")

    assert (refused.status_code, accepted.status_code) == (422, 201)


def test_a_request_that_another_is_just_answering_is_told_to_ask_again(champion, lending):
    from serving.actions.decisions import decide
    from serving.errors import RequestInProgress
    from serving.idempotency import IdempotencyKey

    key = IdempotencyKey("k-1", "a" * 64)
    decide(champion.model.name, an_application(), by=lending, key=key)

    # It looked before the other had committed, and acts after.
    with pytest.raises(RequestInProgress):
        decide(champion.model.name, an_application(), by=lending, key=key)

    assert Decision.objects.count() == 1


def test_a_replay_needs_the_role_as_a_decision_does(decide_over_http, lending):
    application = an_application()
    decide_over_http(application, key="k-1")
    lending.groups.clear()

    assert decide_over_http(application, key="k-1").status_code == 403


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_malformed_key_is_refused(decide_over_http, key):
    response = decide_over_http(an_application(), key=key)

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/idempotency-key-malformed"


def test_a_batch_is_replayed_with_its_refusals(post, champion):
    path = f"models/{champion.model.name}/decisions/batch"
    body = {"applications": [an_application(), an_application(dti="high"), an_application()]}

    first, second = post(path, body, key="b-1"), post(path, body, key="b-1")

    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json() == first.json()
    assert Decision.objects.count() == 2
    assert IdempotencyRecord.objects.get().decision is None


@pytest.mark.parametrize("batch", [False, True])
def test_a_request_that_failed_with_503_may_come_again_under_its_key(post, champion, batch):
    path = f"models/{champion.model.name}/decisions" + ("/batch" if batch else "")
    body = {"applications": [an_application()]} if batch else an_application()
    revoke_clearance(champion.clearances.get(), by=the_builder(), reason="A doubt.")
    failed = post(path, body, key="k-1")
    a_clearance(champion)

    again, once_more = post(path, body, key="k-1"), post(path, body, key="k-1")

    assert failed.status_code == 503
    assert again.status_code == (200 if batch else 201)
    assert "Idempotent-Replayed" not in again.headers
    assert once_more.headers["Idempotent-Replayed"] == "true"
    assert Decision.objects.count() == 1


def test_a_request_that_broke_uses_no_key_up(decide_over_http, monkeypatch, champion):
    keys = settings.CREDENCE_KEYS
    assert decide_over_http(an_application()).status_code == 201  # the version is ready
    monkeypatch.setattr(settings, "CREDENCE_KEYS", keys / "nowhere")
    application = an_application()

    broken = decide_over_http(application, key="k-1")
    monkeypatch.setattr(settings, "CREDENCE_KEYS", keys)
    again = decide_over_http(application, key="k-1")

    assert (broken.status_code, again.status_code) == (503, 201)

"""Runs that are trained outside, over REST: what is said twice, what is malformed, what is too much."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from registry import artefacts, queries, training
from registry.models import Run
from tests.registry.builders import CONTRACT, a_dataset, a_model

SignIn = Callable[[User], Client]
ENVIRONMENT = {"python": "3.11.7", "packages": ["numpy==2.4.6"]}


@pytest.fixture
def dana(developer: User, signed_in: SignIn) -> Client:
    return signed_in(developer)


def opening(**changes: Any) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()),
        "model": a_model().name,
        "dataset": str(a_dataset().pk),
        "seed": 7,
        "code_revision": "",
        "environment": ENVIRONMENT,
        **changes,
    }


def post(client: Client, path: str, body: object) -> Any:
    return client.post(f"/api/v1/{path}", body, content_type="application/json")


def fields(response: Any) -> set[str]:
    return {error["field"] for error in response.json()["errors"]}


def test_opened_twice_with_one_key_it_is_one_run_and_otherwise_refused(dana: Client) -> None:
    body = opening()

    first, again = post(dana, "runs/outside", body), post(dana, "runs/outside", body)
    other = post(dana, "runs/outside", {**body, "seed": 8})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["type"] == "/problems/key-used-otherwise"
    assert [column["name"] for column in first.json()["columns"]] == [
        column.name for column in CONTRACT.columns
    ]
    assert Run.objects.count() == 1


def test_every_field_at_fault_of_an_opening_is_named(dana: Client) -> None:
    faulty = {"key": "x", "environment": {"python": "3", "packages": ["no version"]}, "colour": 1}

    refused = post(dana, "runs/outside", faulty)

    assert refused.status_code == 400
    assert {"key", "model", "dataset", "code_revision", "colour"} <= fields(refused)
    assert not Run.objects.exists()


def test_the_split_is_that_of_the_run_s_seed_and_share(dana: Client) -> None:
    run = post(dana, "runs/outside", opening(holdout_share=0.25)).json()
    snapshot = queries.snapshot_of(Run.objects.get().dataset)
    trained_on = training.split(snapshot.row_ids.tolist(), snapshot.bad, 0.25, 7)

    found = dana.get(f"/api/v1/runs/{run['id']}/split").json()

    assert found["in_sample"] == snapshot.row_ids[trained_on].tolist()
    assert found["held_out"] == snapshot.row_ids[~trained_on].tolist()


def test_reports_come_back_put_together(dana: Client) -> None:
    run = post(dana, "runs/outside", opening()).json()
    where = f"runs/{run['id']}/reports"
    batch = {
        "key": str(uuid.uuid4()),
        "params": {"C": 1},
        "metrics": [{"name": "auc", "value": 0.8}],
    }

    answers = [post(dana, where, batch), post(dana, where, batch)]
    unnumbered = post(dana, where, {"key": str(uuid.uuid4()), "metrics": [{"name": "auc"}]})

    assert [answer.status_code for answer in answers] == [200, 200]
    assert unnumbered.status_code == 400
    said = dana.get(f"/api/v1/{where}").json()
    assert said["params"] == {"C": 1}
    assert said["metrics"] == {"auc": [{"step": 0, "value": 0.8}]}


def test_a_joblib_file_is_refused_by_content_over_http(dana: Client) -> None:
    run = post(dana, "runs/outside", opening()).json()
    address = f"/api/v1/runs/{run['id']}/artefact"
    joblib = b"\x78\x9c" + b"x" * 100  # zlib, as joblib's compress=True begins

    refused = dana.put(address, joblib, content_type="application/octet-stream")
    wrong_type = dana.put(address, b"{}", content_type="application/json")

    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/pickle-refused")
    assert wrong_type.status_code == 415


def test_a_run_is_handed_in_and_ended_twice_without_harm(dana: Client) -> None:
    run = post(dana, "runs/outside", opening()).json()
    snapshot = queries.snapshot_of(Run.objects.get().dataset)
    estimator = training.fit(
        CONTRACT.matrix(snapshot.packed), snapshot.bad, "logistic_regression", {}, 7
    )
    data = artefacts.dump(estimator)
    address = f"/api/v1/runs/{run['id']}/artefact"

    given = [
        dana.put(address, data, content_type="application/octet-stream").status_code for _ in "12"
    ]
    ended = [post(dana, f"runs/{run['id']}/end", {}) for _ in "12"]
    after = post(dana, f"runs/{run['id']}/end", {"error": "ValueError"})

    assert given == [200, 200]
    assert [answer.status_code for answer in ended] == [200, 200]
    assert ended[1].json()["status"] == "queued"
    assert after.status_code == 409


def test_what_is_answered_again_is_answered_to_the_person_who_said_it_alone(
    dana: Client, validator: User, signed_in: SignIn
) -> None:
    body = opening()
    run = post(dana, "runs/outside", body).json()
    post(dana, f"runs/{run['id']}/end", {})

    assert post(signed_in(validator), "runs/outside", body).status_code == 403
    assert post(signed_in(validator), f"runs/{run['id']}/end", {}).status_code == 403

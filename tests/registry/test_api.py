"""The registry over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import DjangoAssertNumQueries

from registry.models import Policy, ScoringModel
from tests.registry.builders import (
    CUT_OFF,
    DECISION_BODY,
    a_clearance,
    a_dataset,
    a_model,
    a_policy,
    a_run,
    a_version,
)

SignIn = Callable[[User], Client]

MODEL = {
    "name": "loanapp",
    "title": "Mortgage applications",
    "purpose": "Estimate rejection.",
    "label_meaning": "The underwriters rejected the application.",
    "tier": 2,
    "tier_rationale": "A demonstration.",
}


@pytest.fixture
def dana(developer: User, signed_in: SignIn) -> Client:
    return signed_in(developer)


@pytest.fixture
def amira(approver: User, signed_in: SignIn) -> Client:
    return signed_in(approver)


def post(client: Client, path: str, body: object) -> Any:
    return client.post(f"/api/v1/{path}", body, content_type="application/json")


def problem(response: Any) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["type"].removeprefix("/problems/")


def fields(response: Any) -> set[str]:
    return {error["field"] for error in response.json()["errors"]}


def test_a_model_is_registered_and_found(dana: Client, developer: User) -> None:
    created = post(dana, "models", MODEL)

    assert created.status_code == 201
    assert created.json()["owner"] == "dana"
    assert dana.get("/api/v1/models/loanapp").json() == created.json()
    assert dana.get("/api/v1/models").json()["results"] == [created.json()]
    assert created.json()["champion"] is None


def test_every_field_at_fault_is_named_at_once_unknown_ones_among_them(dana: Client) -> None:
    refused = post(dana, "models", {"name": "x", "tier": 9, "colour": "red", "owner": "nobody"})

    assert problem(refused) == (400, "invalid-input")
    assert fields(refused) == {
        "title", "purpose", "label_meaning", "tier", "tier_rationale", "colour", "owner",
    }  # fmt: skip
    assert not ScoringModel.objects.exists()


def test_what_the_act_refuses_comes_back_as_a_problem(dana: Client) -> None:
    post(dana, "models", MODEL)

    assert problem(post(dana, "models", MODEL)) == (409, "model-exists")


@pytest.mark.parametrize("body", ["{", "[]", "5", '{"name": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(dana: Client, body: str) -> None:
    response = dana.post("/api/v1/models", body, content_type="application/json")

    assert response.status_code == 400
    assert problem(response)[1] in ("malformed-body", "invalid-input")


def test_a_run_is_accepted_and_its_status_can_be_read(dana: Client) -> None:
    model, dataset = a_model("loanapp"), a_dataset()

    accepted = post(
        dana,
        "runs",
        {
            "model": model.name,
            "dataset": dataset.pk,
            "algorithm": "logistic_regression",
            "params": {"C": 0.5},
            "seed": 3,
        },
    )

    assert accepted.status_code == 202
    assert accepted.json()["status"] == "queued"
    followed = dana.get(accepted.headers["Location"])
    assert followed.json() == accepted.json()
    assert followed.json()["requested_by"] == "dana"
    assert followed.json()["holdout_share"] == 0.3


def test_a_run_of_nothing_known_is_refused(dana: Client) -> None:
    model, dataset = a_model(), a_dataset()
    body = {"model": model.name, "dataset": dataset.pk, "algorithm": "logistic_regression"}

    assert problem(post(dana, "runs", {**body, "model": "nobody"})) == (404, "unknown-model")
    assert problem(post(dana, "runs", {**body, "dataset": 0})) == (404, "unknown-dataset")
    refused = post(dana, "runs", {**body, "params": {"C": "x", "gamma": 1}})
    assert problem(refused) == (422, "params-refused")
    assert fields(refused) == {"params.C", "params.gamma"}


def test_a_plot_of_a_run_is_served_as_svg(dana: Client) -> None:
    run = a_run()

    plot = dana.get(f"/api/v1/runs/{run.pk}/plots/roc")

    assert plot.headers["Content-Type"] == "image/svg+xml"
    assert plot.content.startswith(b"<svg")
    assert problem(dana.get(f"/api/v1/runs/{run.pk}/plots/lift")) == (404, "unknown-plot")


def test_a_version_is_registered_from_a_run(dana: Client) -> None:
    run = a_run()
    decision, library = a_policy("decision"), a_policy("reason_library")
    body = {
        "run": str(run.pk),
        "cut_off": CUT_OFF,
        "decision_policy": decision.pk,
        "reason_library": library.pk,
    }

    created = post(dana, f"models/{run.model.name}/versions", body)

    assert created.status_code == 201
    version = created.json()
    assert (version["number"], version["stage"]) == (1, "registered")
    assert version["artefact"]["content_sha256"] == run.content_sha256
    assert version["baseline"]["rows"] == 500
    assert version["decision_policy"]["version"] == 1
    assert dana.get(f"/api/v1/models/{run.model.name}/versions/1").json() == version
    listed = dana.get(f"/api/v1/models/{run.model.name}/versions").json()["results"]
    assert [entry["number"] for entry in listed] == [1]


def test_a_run_of_one_model_makes_no_version_of_another(dana: Client) -> None:
    run, other = a_run(), a_model()
    body = {
        "run": str(run.pk),
        "cut_off": CUT_OFF,
        "decision_policy": a_policy("decision").pk,
        "reason_library": a_policy("reason_library").pk,
    }

    assert problem(post(dana, f"models/{other.name}/versions", body)) == (404, "unknown-run")


def test_a_version_shows_what_it_is_cleared_for(dana: Client) -> None:
    version = a_version(stage="staging")
    clearance = a_clearance(version)

    shown = dana.get(f"/api/v1/models/{version.model.name}/versions/1").json()

    assert [(row["id"], row["purpose"]) for row in shown["clearances"]] == [
        (clearance.pk, "score_live")
    ]


def test_a_model_shows_its_champion(dana: Client) -> None:
    version = a_version(stage="production")

    assert dana.get(f"/api/v1/models/{version.model.name}").json()["champion"] == 1


def test_a_data_set_shows_its_description_and_every_check(dana: Client) -> None:
    dataset = a_dataset()

    shown = dana.get(f"/api/v1/datasets/{dataset.pk}").json()

    assert shown["sha256"] == dataset.sha256
    assert shown["validation"]["passed"] is True
    assert shown["description"]["contract"]["features"][0]["name"] == "dti"
    assert dana.get("/api/v1/datasets/999999").status_code == 404


def test_a_policy_is_proposed_and_applies_to_nothing_yet(dana: Client) -> None:
    body = {
        "kind": "decision",
        "name": "cut-off",
        "body": DECISION_BODY,
        "rationale": "Losses below four per cent.",
    }

    proposed = post(dana, "policies", body)

    assert proposed.status_code == 201
    assert proposed.json()["status"] == "proposed"
    assert dana.get(f"/api/v1/policies/{proposed.json()['id']}").json() == proposed.json()
    found = dana.get("/api/v1/policies?kind=decision&name=cut-off&status=proposed").json()
    assert found["count"] == 1


def test_a_policy_at_fault_is_refused_field_by_field(dana: Client) -> None:
    body = {"kind": "decision", "name": "x", "body": {"cut_off": 5}, "rationale": "No."}

    refused = post(dana, "policies", body)

    assert problem(refused) == (422, "policy-malformed")
    assert "body.max_reasons" in fields(refused)
    assert not Policy.objects.exists()


READS = ("models", "datasets", "runs", "policies", "models/loanapp", "models/loanapp/versions")


@pytest.mark.parametrize("path", READS)
def test_reading_needs_a_role_and_being_a_superuser_is_none(
    path: str, superuser: User, lending: User, auditor: User, signed_in: SignIn
) -> None:
    a_model("loanapp")

    assert Client().get(f"/api/v1/{path}").status_code == 401
    for nobody in (superuser, lending):
        assert problem(signed_in(nobody).get(f"/api/v1/{path}")) == (403, "not-permitted")
    assert signed_in(auditor).get(f"/api/v1/{path}").status_code == 200


def test_an_auditor_changes_nothing(auditor: User, signed_in: SignIn) -> None:
    assert problem(post(signed_in(auditor), "models", MODEL)) == (403, "not-permitted")


def test_a_list_of_versions_takes_the_same_few_queries_however_long(
    dana: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    model, dataset = a_model(), a_dataset()
    for _ in range(4):
        a_version(run=a_run(model, dataset))

    with django_assert_max_num_queries(8):
        dana.get(f"/api/v1/models/{model.name}/versions")


def test_the_schema_describes_every_address_of_the_registry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)

    paths = {path for path in schema["paths"] if path.startswith("/api/v1/")}
    assert {
        "/api/v1/models",
        "/api/v1/models/{model}/versions/{number}",
        "/api/v1/datasets/{dataset_id}",
        "/api/v1/runs/{run_id}/plots/{name}",
        "/api/v1/policies/{policy_id}",
    } <= paths
    assert "registry" not in capsys.readouterr().err


@pytest.mark.parametrize("as_of", ["2026-01-01T00:00:00-18:20", "0001-01-01T00:00:00+23:00"])
def test_a_time_in_a_zone_that_no_database_takes_breaks_nothing(
    auditor: User, signed_in: Callable[[User], Client], as_of: str
) -> None:
    response = signed_in(auditor).get("/api/v1/models", {"as_of": as_of})

    assert response.status_code in {200, 422}

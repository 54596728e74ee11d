"""Maker and checker over HTTP: every refusal is a problem with a type, and nothing has changed."""

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from knox.models import AuthToken
from rest_framework.test import APIClient

from audit.models import Entry
from audit.queries import service_account
from governance.gate_runs import carry_out
from governance.models import Approval, ChangeRequest, GateRun, RetrainingCase
from registry.models import Clearance, Dataset, Policy
from tests.governance.builders import (
    WHY,
    a_champion,
    a_check,
    a_gate_policy,
    a_measured_version,
    a_request,
)
from tests.governance.test_intake import DESCRIPTION, a_file, csv
from tests.registry.builders import a_model, a_policy, a_version

pytestmark = pytest.mark.django_db


def rest(user) -> APIClient:
    client = APIClient(raise_request_exception=False)
    _, text = AuthToken.objects.create(user=user)
    client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    return client


def post(user, path: str, **body):
    return rest(user).post(f"/api/v1/{path}", body, format="json")


def get(user, path: str):
    return rest(user).get(f"/api/v1/{path}")


def decide(user, change_id, decision="approve", rationale=WHY):
    return post(
        user, f"change-requests/{change_id}/approvals", decision=decision, rationale=rationale
    )


def test_a_promotion_over_http_from_request_to_clearance(developer, validator):
    version = a_measured_version(developer)

    asked = post(
        developer, "change-requests",
        kind="promotion", model=version.model.name, version=version.number, target="staging", rationale="Ready.",
    )  # fmt: skip
    decided = decide(validator, asked.json()["id"])

    assert asked.status_code == 201
    assert asked.json()["evidence"]["model"] == version.model.name
    assert decided.status_code == 201
    assert decided.json()["state"] == "granted"
    assert decided.json()["approvals"][0]["approver"] == "victor"
    assert Clearance.objects.get().purpose == "score_shadow"


def test_a_self_approval_is_refused_with_a_problem(developer, validator):
    change = a_request(developer)

    answer = decide(developer, change.pk)

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-permitted"
    assert not Approval.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()


def test_a_self_approval_by_someone_with_the_role_is_refused_too(developer):
    from django.contrib.auth.models import Group

    change = a_request(developer)
    developer.groups.add(Group.objects.get(name="validator"))

    answer = decide(developer, change.pk)

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/requester-cannot-approve"


def test_evidence_that_changed_is_refused_and_the_request_is_void(developer, validator):
    change = a_request(developer)
    a_gate_policy(checks=[a_check("auc", minimum=0.9)])

    answer = decide(validator, change.pk)

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/evidence-changed"
    assert get(validator, f"change-requests/{change.pk}").json()["state"] == "void"


def test_a_decision_without_a_rationale_names_the_field(developer, validator):
    change = a_request(developer)

    answer = decide(validator, change.pk, rationale="")

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == ["rationale"]


def test_a_rejection_over_http(developer, validator):
    change = a_request(developer)

    answer = decide(validator, change.pk, "reject", "Too small a holdout.")

    assert answer.json()["state"] == "rejected"
    assert answer.json()["closing_reason"] == "Too small a holdout."


def test_a_request_is_withdrawn_by_its_requester(developer, analyst):
    change = a_request(developer)
    path = f"change-requests/{change.pk}/withdrawal"

    assert post(analyst, path, rationale="Not mine.").status_code == 403
    assert post(developer, path, rationale="A mistake.").json()["state"] == "withdrawn"


def test_a_policy_is_requested_and_adopted_over_http(developer, approver):
    policy = a_policy("decision", adopted=False)

    asked = post(developer, "change-requests", kind="policy", policy=policy.pk, rationale="Better.")
    decided = decide(approver, asked.json()["id"])

    assert decided.json()["state"] == "granted"
    assert Policy.objects.get(pk=policy.pk).status == "approved"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"kind": "promotion", "rationale": "x"}, {"model", "version", "target"}),
        ({"kind": "policy", "policy": 1, "target": "staging", "rationale": "x"}, {"target"}),
        ({"kind": "wish", "rationale": "x"}, {"kind"}),
        ({"kind": "policy", "policy": 1}, {"rationale"}),
        ({"kind": "policy", "policy": 1, "rationale": "x", "urgent": True}, {"urgent"}),
    ],
)
def test_a_malformed_request_names_every_field(developer, body, fields):
    answer = post(developer, "change-requests", **body)

    assert answer.status_code == 400
    assert {problem["field"] for problem in answer.json()["errors"]} == fields


def test_open_requests_are_listed(developer, validator):
    change = a_request(developer)
    decide(validator, change.pk, "reject")
    other = a_request(developer)

    listed = get(validator, "change-requests?state=open").json()

    assert [row["id"] for row in listed["results"]] == [str(other.pk)]
    assert get(validator, "change-requests").json()["count"] == 2


def test_an_unknown_change_is_not_found(validator):
    assert get(validator, f"change-requests/{uuid4()}").status_code == 404
    assert decide(validator, uuid4()).status_code == 404


@pytest.mark.parametrize("path", ["change-requests", "retraining-cases", "incidents", "datasets"])
def test_a_scoring_client_reads_none_of_it(lending, path):
    assert get(lending, path).status_code == 403


def test_nobody_reads_anything_without_signing_in(db):
    answer = APIClient().get("/api/v1/change-requests")

    assert answer.status_code == 401


def test_gates_are_measured_by_a_worker_and_read_over_http(validator):
    a_gate_policy()
    version = a_version()
    path = f"models/{version.model.name}/versions/{version.number}/gate-reports"

    asked = rest(validator).post(f"/api/v1/{path}")
    assert asked.status_code == 202
    assert asked.json()["state"] == "queued"
    carry_out(GateRun.objects.get().pk, by=service_account("retrainer"))
    run = rest(validator).get(asked.headers["Location"]).json()
    report = get(validator, f"{path}/{run['report']}").json()

    assert run["state"] == "measured"
    assert report["passed"] is True
    assert {verdict["check"] for verdict in report["results"]} == {
        "rows", "auc", "additivity", "reproducibility", "adverse_impact",
    }  # fmt: skip
    assert get(validator, path).json()["count"] == 1
    assert get(validator, f"{path}/999").status_code == 404


def test_how_groups_fare_at_the_gates_is_for_those_who_may_see_fairness_reports(
    developer, validator, signed_in
):
    version = a_measured_version(developer)
    path = f"models/{version.model.name}/versions/{version.number}/gate-reports"
    window = f"/governance/gatereport/{version.gate_reports.get().pk}/change/"
    asking = f"/registry/modelversion/{version.pk}/request-staging/"

    told = get(developer, path).json()["results"][0]["results"]
    shown = get(validator, path).json()["results"][0]["results"]

    assert {result["subject"] for result in told} == {""}
    assert "adverse_impact" in {result["check"] for result in told}
    assert "age: 62 and over against under 62" in {result["subject"] for result in shown}
    assert "62 and over" in signed_in(validator).get(window).content.decode()
    for page in (window, asking):
        assert "62 and over" not in signed_in(developer).get(page).content.decode()


def test_a_version_is_suspended_over_http(developer, validator, approver, operator):
    version = a_champion(developer, validator, approver)
    path = f"models/{version.model.name}/versions/{version.number}/suspension"

    assert post(developer, path, rationale="I broke it.").status_code == 403
    assert post(operator, path, rationale="Wrong field.").json()["stage"] == "suspended"


def test_a_file_is_taken_in_over_http(developer):
    answer = upload(developer)

    assert answer.status_code == 201
    assert answer.json()["rows"] == 60
    assert answer.json()["columns"] == ["row_id", "dti", "purpose", "bad"]
    assert get(developer, "datasets").json()["results"][0]["name"] == "small"


def test_an_unclassified_column_is_refused_over_http(developer):
    answer = upload(developer, a_file(zip_code="x"))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "zip_code"
    assert not Dataset.objects.exists()


def test_a_description_that_is_no_text_is_refused(developer):
    answer = upload(developer, description=b"\xff\xfe\x00")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "description"


def upload(user, frame=None, description=None):
    return rest(user).post(
        "/api/v1/datasets",
        {
            "name": "small",
            "file": SimpleUploadedFile("small.csv", csv(a_file() if frame is None else frame)),
            "description": SimpleUploadedFile("small.toml", description or DESCRIPTION.encode()),
        },
        format="multipart",
    )


def test_a_case_is_opened_and_read_over_http(operator, developer):
    model = a_model()

    opened = post(operator, "retraining-cases", model=model.name, reason="Rates rose.")
    read = get(developer, f"retraining-cases/{opened.json()['id']}").json()

    assert opened.status_code == 201
    assert read["state"] == "open"
    assert read["due_at"] > read["detected_at"]
    assert [step["step"] for step in read["steps"]] == ["detected"]
    assert post(developer, "retraining-cases", model=model.name, reason="x").status_code == 403
    assert RetrainingCase.objects.count() == 1


def test_answers_are_json(developer):
    change = a_request(developer)

    assert json.loads(get(developer, f"change-requests/{change.pk}").content)["id"] == str(
        change.pk
    )
    assert ChangeRequest.objects.count() == 1

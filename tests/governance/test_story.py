"""One version's way from a data file to a decision, and two people who decide at the same instant."""

import pytest

from audit.queries import service_account
from governance.gate_runs import carry_out
from governance.models import Approval, ChangeRequest, GateRun
from registry import execution
from registry.models import Clearance, Run
from tests.conftest import a_person
from tests.governance.builders import a_check, a_request, approve_at_once
from tests.governance.test_api import decide, get, post, rest, upload
from tests.governance.test_intake import a_file

DECISION = {
    "cut_off": 0.75,
    "grey_band": None,
    "knockout_rules": [],
    "materiality_floor": 0.0,
    "max_reasons": 4,
}
REASONS = {
    "language": "en",
    "groups": {
        "obligations": {
            "code": "R01",
            "statement": "Obligations in relation to income",
            "missing_statement": "Obligations could not be verified",
        },
        "purpose": {
            "code": "R02",
            "statement": "Purpose of the loan",
            "missing_statement": "Purpose could not be verified",
        },
    },
}
GATES = {
    "checks": [
        a_check("rows", minimum=500),
        a_check("additivity", maximum=1e-6),
        a_check("reproducibility"),
        a_check("baseline_rows", minimum=100),
    ]
}


@pytest.mark.django_db
def test_a_version_goes_from_a_file_to_a_decision_through_five_people(
    developer, validator, approver, counsel, lending
):
    dataset = upload(developer, a_file(800)).json()
    post(
        developer, "models",
        name="small", title="Small loans", purpose="Tell who repays.", label_meaning="Not repaid.",
        tier=3, tier_rationale="Small.",
    )  # fmt: skip
    policies = {}
    for kind, body in (("decision", DECISION), ("reason_library", REASONS), ("gate", GATES)):
        proposed = {
            "kind": kind,
            "name": "small",
            "body": body,
            "rationale": "What the test needs.",
        }
        policies[kind] = post(developer, "policies", **proposed).json()["id"]
        asked = post(
            developer, "change-requests", kind="policy", policy=policies[kind], rationale="As said."
        )
        assert decide(approver, asked.json()["id"]).status_code == 201
        if kind == "reason_library":
            assert decide(counsel, asked.json()["id"]).status_code == 201

    run = post(
        developer, "runs",
        model="small", dataset=dataset["id"], algorithm="logistic_regression", params={}, seed=7, holdout_share=0.3,
    ).json()  # fmt: skip
    execution.train_run(Run.objects.get(pk=run["id"]).pk, by=service_account("retrainer"))
    version = post(
        developer, "models/small/versions",
        run=run["id"], cut_off=0.75, decision_policy=policies["decision"], reason_library=policies["reason_library"],
    )  # fmt: skip
    assert version.status_code == 201, version.content
    application = {
        "application_ref": "A-1",
        "subject_ref": "C-1",
        "features": {"dti": 30.0, "purpose": "car"},
    }
    assert post(lending, "models/small/decisions", **application).status_code == 503

    rest(validator).post("/api/v1/models/small/versions/1/gate-reports")
    assert carry_out(GateRun.objects.get().pk, by=service_account("retrainer")).passed
    for target, checker in (("staging", validator), ("production", approver)):
        asked = post(
            developer, "change-requests",
            kind="promotion", model="small", version=1, target=target, rationale="Ready.",
        ).json()  # fmt: skip
        assert decide(developer, asked["id"]).status_code == 403
        assert decide(checker, asked["id"]).status_code == 201

    decided = post(lending, "models/small/decisions", **application)
    assert decided.status_code == 201
    assert decided.json()["version"] == 1
    assert get(developer, "models/small").json()["champion"] == 1


def test_two_validators_at_the_same_instant_make_one_decision(own_database):
    developer = a_person("dana", "model developer")
    validators = [a_person(f"validator-{number}", "validator") for number in range(4)]
    change = a_request(developer)

    refused = approve_at_once(change, validators)

    assert refused == ["already-decided"] * 3
    assert ChangeRequest.objects.get().state == "granted"
    assert Approval.objects.count() == 1
    assert Clearance.objects.count() == 1

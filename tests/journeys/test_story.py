"""The life of one version over HTTP: from a file to decisions, until somebody takes its clearance away.

Each test is a sentence of policy; the fixtures are the chapters, each as the person whose step it is.
Workers' tasks are called by their functions, as a worker calls them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.keys import log_vkey
from audit.models import Entry
from governance.tasks import measure_gates
from registry.tasks import train_run
from tests.governance.test_intake import DESCRIPTION, a_file, csv
from tests.governance.test_story import DECISION, GATES, REASONS
from tests.serving.test_receipts import check_receipt

VERSION = "models/small/versions/1"
APPLICATION = {
    "application_ref": "A-1",
    "subject_ref": "C-1",
    "features": {"dti": 30.0, "purpose": "car"},
}


@dataclass
class Bank:
    """Everybody's line to the service."""

    lines: dict[str, Client]

    def post(self, person: str, path: str, body: Any = None) -> Any:
        return self.lines[person].post(
            f"/api/v1/{path}", body or {}, content_type="application/json"
        )

    def made(self, person: str, path: str, body: Any = None) -> dict[str, Any]:
        """What the service made of it; anything but success ends the test."""
        response = self.post(person, path, body)
        assert response.status_code in {201, 202}, response.content
        answer: dict[str, Any] = response.json()
        return answer

    def ask(self, change: dict[str, Any]) -> str:
        """Dana asks for a change; its id."""
        return str(self.made("dana", "change-requests", {"rationale": "Ready.", **change})["id"])

    def approve(self, person: str, change: str) -> Any:
        body = {"decision": "approve", "rationale": "Read; it holds."}
        return self.post(person, f"change-requests/{change}/approvals", body)

    def promote(self, target: str, checker: str) -> None:
        promotion = {"kind": "promotion", "model": "small", "version": 1, "target": target}
        assert self.approve(checker, self.ask(promotion)).status_code == 201

    def decide(self) -> Any:
        return self.post("lending", "models/small/decisions", APPLICATION)


@pytest.fixture
def bank(
    developer: User,
    validator: User,
    approver: User,
    counsel: User,
    lending: User,
    signed_in: Callable[[User], Client],
) -> Bank:
    people = (developer, validator, approver, counsel, lending)
    return Bank({person.get_username(): signed_in(person) for person in people})


@pytest.fixture
def trained(bank: Bank) -> dict[str, Any]:
    """A file was taken in, policies were adopted by somebody else, and a worker trained a run."""
    dataset = bank.lines["dana"].post(
        "/api/v1/datasets",
        {
            "name": "small",
            "file": SimpleUploadedFile("small.csv", csv(a_file(800))),
            "description": SimpleUploadedFile("small.toml", DESCRIPTION.encode()),
        },
    )
    about = {"title": "Small loans", "purpose": "Tell who repays.", "label_meaning": "Not repaid."}
    bank.made("dana", "models", {"name": "small", "tier": 3, "tier_rationale": "Few.", **about})
    policies = {}
    for kind, body in (("decision", DECISION), ("reason_library", REASONS), ("gate", GATES)):
        proposal = {"kind": kind, "name": "small", "body": body, "rationale": "Agreed."}
        policies[kind] = bank.made("dana", "policies", proposal)["id"]
        asked = bank.ask({"kind": "policy", "policy": policies[kind]})
        bank.approve("amira", asked)
        if kind == "reason_library":
            bank.approve("carla", asked)
    wanted = {"algorithm": "logistic_regression", "params": {}, "seed": 7, "holdout_share": 0.3}
    run = bank.made("dana", "runs", {"model": "small", "dataset": dataset.json()["id"], **wanted})
    train_run(run["id"])
    return {"run": run["id"], **policies}


@pytest.fixture
def registered(bank: Bank, trained: dict[str, Any]) -> Bank:
    """A version that nobody measured or approved."""
    policies = {
        "decision_policy": trained["decision"],
        "reason_library": trained["reason_library"],
    }
    body = {"run": trained["run"], "cut_off": DECISION["cut_off"], **policies}
    bank.made("dana", "models/small/versions", body)
    return bank


@pytest.fixture
def measured(registered: Bank) -> Bank:
    """Its gates were measured by a worker."""
    measure_gates(registered.made("victor", f"{VERSION}/gate-reports")["id"])
    return registered


@pytest.fixture
def in_production(measured: Bank) -> Bank:
    """Two people who did not build it have let it into production."""
    measured.promote("staging", "victor")
    measured.promote("production", "amira")
    return measured


def test_what_nobody_approved_decides_nothing(registered: Bank) -> None:
    answer = registered.decide()

    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/no-cleared-version"


def test_what_was_not_measured_cannot_be_promoted(registered: Bank) -> None:
    promotion = {"kind": "promotion", "model": "small", "version": 1, "target": "staging"}

    answer = registered.post("dana", "change-requests", {**promotion, "rationale": "Trust me."})

    assert answer.status_code == 409


def test_nobody_approves_what_they_asked_for(measured: Bank) -> None:
    promotion = {"kind": "promotion", "model": "small", "version": 1, "target": "staging"}
    change = measured.ask(promotion)

    answer = measured.approve("dana", change)

    assert answer.status_code == 403
    refusal = Entry.objects.filter(event="audit.action_refused").latest("id")
    assert refusal.actor_name == "dana"


def test_what_two_others_approved_decides_and_hands_out_a_receipt_that_the_public_key_proves(
    in_production: Bank,
) -> None:
    answer = in_production.decide()

    assert answer.status_code == 201
    decision = answer.json()
    assert decision["version"] == 1
    check_receipt(decision["receipt"], decision["decided_at"], log_vkey())
    assert (
        str(Entry.objects.get(event="serving.decision.made").pk)
        == (decision["receipt"]["entry_id"])
    )


def test_what_lost_its_clearance_decides_nothing_from_the_next_application_on(
    in_production: Bank,
) -> None:
    assert in_production.decide().status_code == 201
    revocation = {"kind": "revocation", "model": "small", "version": 1}

    assert in_production.approve("amira", in_production.ask(revocation)).status_code == 201
    answer = in_production.post(
        "lending", "models/small/decisions", {**APPLICATION, "application_ref": "A-2"}
    )

    assert answer.status_code == 503
    events = list(Entry.objects.order_by("id").values_list("event", flat=True))
    assert events.index("serving.decision.made") < events.index("registry.clearance.revoked")
    assert events.count("serving.decision.made") == 1

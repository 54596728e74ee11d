"""From a data file to a version in the admin: each button calls the act that REST calls, and shows its refusal."""

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import Entry
from registry.models import Dataset, ModelVersion, Policy, Run, ScoringModel
from tests.governance.test_intake import DESCRIPTION, a_file, csv
from tests.governance.test_story import DECISION
from tests.registry.builders import a_dataset, a_model, a_policy, a_run

pytestmark = pytest.mark.django_db

MODEL = {
    "name": "small",
    "title": "Small loans",
    "purpose": "Tell who repays.",
    "label_meaning": "Not repaid.",
    "tier": "2",
    "tier_rationale": "Few.",
    "approved_uses": "Small loans\n\nRefinancing of small loans\n",
    "jurisdictions": "US\nDE",
}


@pytest.fixture
def dana(developer: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(developer)


def test_a_file_is_taken_in_and_split(dana: Client) -> None:
    form = {
        "name": "small",
        "file": SimpleUploadedFile("small.csv", csv(a_file(800))),
        "description": SimpleUploadedFile("small.toml", DESCRIPTION.encode()),
    }

    answer = dana.post("/registry/dataset/take-in/", form, follow=True)

    assert 'data-outcome="done"' in answer.content.decode()
    assert Dataset.objects.get().rows == 800
    assert Entry.objects.filter(event="governance.dataset.taken_in").exists()


def test_a_description_that_is_not_text_is_refused_by_its_field(dana: Client) -> None:
    form = {
        "name": "small",
        "file": SimpleUploadedFile("small.csv", csv(a_file(800))),
        "description": SimpleUploadedFile("small.toml", b"\xff\xfe"),
    }

    answer = dana.post("/registry/dataset/take-in/", form)

    assert answer.status_code == 422
    assert "description: Must be TOML in UTF-8." in answer.content.decode()
    assert not Dataset.objects.exists()


def test_a_model_enters_the_inventory_with_its_lists(dana: Client, developer: User) -> None:
    dana.post("/registry/scoringmodel/register/", MODEL)

    model = ScoringModel.objects.get()
    assert (model.owner, model.tier, model.jurisdictions) == (developer, 2, ["US", "DE"])
    assert model.approved_uses == ["Small loans", "Refinancing of small loans"]


@pytest.mark.parametrize(
    "body",
    [json.dumps(DECISION), "cut_off = 0.5\ngrey_band = {from = 0.4, to = 0.5}\nknockout_rules = []\nmax_reasons = 4\nmateriality_floor = 0.02"],
)  # fmt: skip
def test_a_policy_is_proposed_in_either_notation(dana: Client, body: str) -> None:
    form = {"kind": "decision", "name": "small", "body": body, "rationale": "Agreed."}

    answer = dana.post("/registry/policy/propose/", form, follow=True)

    assert 'data-outcome="done"' in answer.content.decode(), answer.content.decode()
    assert Policy.objects.get().body["max_reasons"] == 4


@pytest.mark.parametrize("body", ["cut_off: 0.5", "{not json", "[1, 2"])
def test_a_body_that_cannot_be_read_is_refused_with_the_place(dana: Client, body: str) -> None:
    form = {"kind": "decision", "name": "small", "body": body, "rationale": "Agreed."}

    answer = dana.post("/registry/policy/propose/", form)

    assert answer.status_code == 422
    assert "Neither TOML nor a JSON object" in answer.content.decode()
    assert not Policy.objects.exists()


def test_a_run_is_asked_for_on_a_snapshot(dana: Client, developer: User) -> None:
    dataset, model = a_dataset(), a_model()
    form = {
        "model": model.pk,
        "algorithm": "hist_gradient_boosting",
        "params": "max_iter = 10",
        "seed": 7,
        "holdout_share": 0.3,
    }

    dana.post(f"/registry/dataset/{dataset.pk}/train/", form)

    run = Run.objects.get()
    assert (run.requested_by, run.params, run.status) == (developer, {"max_iter": 10}, "queued")


def test_an_unknown_parameter_is_named_and_nothing_is_queued(dana: Client) -> None:
    dataset, model = a_dataset(), a_model()
    form = {"model": model.pk, "algorithm": "logistic_regression", "params": "depth = 3", "seed": 7, "holdout_share": 0.3}  # fmt: skip

    answer = dana.post(f"/registry/dataset/{dataset.pk}/train/", form)

    assert answer.status_code == 422
    assert "params.depth" in answer.content.decode()
    assert not Run.objects.exists()


def test_what_a_run_left_becomes_a_version(dana: Client) -> None:
    run = a_run()
    decision, reasons = a_policy("decision"), a_policy("reason_library")
    form = {
        "cut_off": decision.body["cut_off"],
        "decision_policy": decision.pk,
        "reason_library": reasons.pk,
    }

    answer = dana.post(f"/registry/run/{run.pk}/register-version/", form, follow=True)

    assert "Its gates are measured next." in answer.content.decode()
    assert ModelVersion.objects.get().run == run


def test_a_cut_off_that_is_not_the_policys_is_refused(dana: Client) -> None:
    run = a_run()
    decision, reasons = a_policy("decision"), a_policy("reason_library")
    form = {"cut_off": 0.123, "decision_policy": decision.pk, "reason_library": reasons.pk}

    answer = dana.post(f"/registry/run/{run.pk}/register-version/", form)

    assert answer.status_code == 422
    assert "cut_off" in answer.content.decode()
    assert not ModelVersion.objects.exists()

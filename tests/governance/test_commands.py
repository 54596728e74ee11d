"""What the commands of governance tell a terminal and a CI job."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from governance.models import RetrainingCase
from tests.governance.builders import a_check, a_gate_policy
from tests.registry.builders import a_model, a_version

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_version_that_passes_its_gates_ends_without_error():
    a_gate_policy()
    version = a_version()

    said = run("gate", version.model.name, "1")

    assert "v1: passed" in said


def test_a_version_that_does_not_pass_fails_the_ci_job():
    a_gate_policy(checks=[a_check("auc", minimum=0.99)])
    version = a_version()

    with pytest.raises(CommandError, match="does not pass"):
        run("gate", version.model.name, "1")


def test_the_report_comes_as_json_whether_or_not_the_version_passes():
    a_gate_policy(checks=[a_check("auc", minimum=0.99)])
    version = a_version()
    out = io.StringIO()

    with pytest.raises(CommandError, match="does not pass"):
        call_command("gate", "--json", version.model.name, "1", stdout=out)

    told = json.loads(out.getvalue())
    assert (told["model"], told["version"], told["passed"]) == (version.model.name, 1, False)
    (verdict,) = told["results"]
    assert (verdict["check"], verdict["status"]) == ("auc", "fail")
    assert verdict["low"] < verdict["value"] < verdict["high"]


def test_a_version_that_does_not_exist_fails_the_ci_job():
    with pytest.raises(CommandError, match="no version 7"):
        run("gate", a_model().name, "7")


def test_retrain_opens_a_case_and_says_how_far_it_came():
    model = a_model()

    said = run("retrain", model.name, "--reason", "Rates rose.")

    assert "due" in said
    assert "triaged: stopped" in said
    assert RetrainingCase.objects.get().reason == "Rates rose."
    opened = Entry.objects.get(event="governance.case.opened")
    assert opened.actor_name == "cli"

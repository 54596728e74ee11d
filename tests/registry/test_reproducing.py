"""Training a run again from its record: whether the same model comes of it, and what it was trained with."""

import json
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from registry import execution, provenance
from registry.actions.runs import complete_run, record_reproduction
from registry.errors import RunNotSucceeded
from registry.models import Reproduction
from registry.queries import run_with
from tests.registry.builders import a_run, an_outcome, the_builder

pytestmark = pytest.mark.django_db


def said() -> dict:
    entry = Entry.objects.get(event="registry.run.reproduced")
    return parse(bytes(entry.body))["public"]


@pytest.mark.parametrize("algorithm", ["logistic_regression", "hist_gradient_boosting"])
def test_a_run_is_reproduced_from_its_record(algorithm: str, validator: User) -> None:
    run = a_run(algorithm=algorithm)

    found = execution.reproduce_run(run.pk, by=validator)

    assert found.verdict == "same_content", "a dump holds times, so its bytes always differ"
    assert found.content_sha256 == run.content_sha256
    assert found.artefact_sha256 != run.artefact_sha256
    assert (found.holdout_auc_change, found.environment_changes) == (0.0, [])
    assert said()["content_sha256"] == {"recorded": run.content_sha256, "found": run.content_sha256}


def test_another_model_is_called_another_model(validator: User) -> None:
    run = a_run()
    other = replace(execution.train(run), content_sha256="0" * 64)

    found = record_reproduction(run, other, ["numpy: 2.4.6 -> 2.5.0"], by=validator)

    assert found.verdict == "different"
    assert said()["verdict"] == "different"
    assert said()["environment_changes"] == ["numpy: 2.4.6 -> 2.5.0"]


def test_a_run_that_left_nothing_cannot_be_reproduced(validator: User) -> None:
    run = a_run(status="queued")

    with pytest.raises(RunNotSucceeded, match="queued"):
        execution.reproduce_run(run.pk, by=validator)

    assert not Reproduction.objects.exists()


def test_who_may_not_reproduce_is_refused_before_anything_is_trained(
    auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    monkeypatch.setattr(execution.training, "fit", lambda *_, **__: pytest.fail("It was trained."))

    with pytest.raises(NotPermitted, match="reproduce_run"):
        execution.reproduce_run(run.pk, by=auditor)

    refused = Entry.objects.get(event="audit.action_refused")
    assert (refused.actor_name, refused.subject_id) == (
        auditor.username, "registry.actions.runs.record_reproduction",
    )  # fmt: skip


def test_what_differs_between_environments_is_named() -> None:
    now = json.loads(provenance.environment())
    first, *others = now["packages"]
    name, _, version = first.partition("==")
    recorded = {"python": "3.9.1", "packages": [f"{name}==0.0.1", "gone==1.0", *others]}

    changes = provenance.environment_changes(json.dumps(recorded).encode())

    assert set(changes) == {
        f"{name}: 0.0.1 -> {version}",
        "gone: 1.0 -> None",
        f"python: 3.9.1 -> {now['python']}",
    }


def test_the_command_says_which(validator: User, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run()
    call_command("reproduce", str(run.pk), "--as", validator.username)
    assert "only the bytes of the container differ" in capsys.readouterr().out

    with pytest.raises(CommandError, match="does not hold"):
        call_command("reproduce", str(run.pk))


def test_another_model_makes_the_command_fail(
    validator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    run = a_run(status="running")
    of_another_seed = run_with(run.pk)
    of_another_seed.seed += 1
    complete_run(run.pk, an_outcome(of_another_seed), by=the_builder())

    with pytest.raises(CommandError, match="not reproduced"):
        call_command("reproduce", str(run.pk), "--as", validator.username)

    assert "Another model." in capsys.readouterr().out


def test_the_run_s_page_shows_what_came_of_it(validator: User, signed_in) -> None:
    run = a_run()
    execution.reproduce_run(run.pk, by=validator)

    body = signed_in(validator).get(f"/registry/run/{run.pk}/change/").content.decode()

    assert "same content" in body.replace("_", " ")
    assert "+0.000000" in body

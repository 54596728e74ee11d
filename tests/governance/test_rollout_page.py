"""One page shows a running rollout as it is now: both versions, who flips, the guard rails, and the buttons."""

import re

import pytest
from django.urls import reverse

from governance.sweeps import evaluate_rollouts
from serving.actions.decisions import decide
from serving.models import Deployment
from serving.tasks import score_shadows
from tests.governance.builders import a_champion, a_staged_version
from tests.governance.test_rollouts import rolled_out
from tests.monitoring.builders import applications
from tests.registry.builders import DECISION_BODY, a_policy
from tests.serving.builders import guard_rails

STRICTER = {**DECISION_BODY, "cut_off": 0.12, "grey_band": None, "knockout_rules": []}


@pytest.fixture
def now(developer, validator, approver):
    guard_rails(approval_rate_points=90.0)
    return a_champion(developer, validator, approver)


@pytest.fixture
def running(now, developer, validator, approver, lending):
    """A stricter shadow of everything and an equal canary, 60 decisions and an evaluation."""
    policy = a_policy("decision", STRICTER)
    shadow = a_staged_version(developer, validator, model=now.model, decision_policy=policy)
    canary = a_staged_version(developer, validator, model=now.model)
    steps = [
        rolled_out(shadow, developer, approver, 100, "shadow"),
        rolled_out(canary, developer, approver, 25),
    ]
    for application in applications(60):
        decide(now.model.name, application, by=lending)
    score_shadows()
    evaluate_rollouts()
    return steps


def shown(client, **query):
    answer = client.get(reverse("rollout"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_each_step_beside_the_champion_with_its_guard_rails(running, signed_in, approver):
    page = shown(signed_in(approver))

    assert "as shadow, 100 % of applications" in page
    assert "as canary, 25 % of applications" in page
    assert "decides 75 % of the applications" in " ".join(re.sub("<[^>]+>", "", page).split())
    assert "no longer approved. A shadow decides nothing." in page
    for words in (
        "approval rate",
        "reason mix",
        "latency",
        "errors",
        "insufficient evidence",
        "last evaluated 20",
    ):
        assert words in page
    assert page.count('src="data:image/svg+xml') >= 2


def test_it_shows_itself_anew(running, signed_in, approver):
    assert '<meta http-equiv="refresh" content="20">' in shown(signed_in(approver))


def test_whoever_may_ends_a_step_from_it_and_others_see_no_button(
    running, signed_in, operator, developer
):
    step = running[1]

    assert reverse("serving_deployment_end", args=[step.pk]) in shown(signed_in(operator))
    page = shown(signed_in(developer))
    assert reverse("serving_deployment_end", args=[step.pk]) not in page
    assert reverse("registry_modelversion_request-rollout", args=[step.version_id]) in page


def test_a_model_without_a_step_says_that_the_champion_decides_all(now, signed_in, auditor):
    page = shown(signed_in(auditor), model=now.model.name)

    assert "the champion decides every application" in page
    assert not Deployment.objects.exists()


def test_it_is_for_those_who_see_rollouts(now, signed_in, lending):
    assert signed_in(lending).get(reverse("rollout")).status_code in {302, 403}


def test_an_unknown_model_is_told_and_no_model_is_no_error(db, signed_in, auditor):
    assert "No model is in service" in shown(signed_in(auditor))
    assert signed_in(auditor).get(reverse("rollout"), {"model": "none"}).status_code == 404

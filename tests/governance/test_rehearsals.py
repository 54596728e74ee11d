"""A proposed gate policy says beforehand which measured versions it would have blocked."""

import io

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit.models import Entry
from governance.actions.changes import request_adoption
from governance.errors import NotAGatePolicy
from governance.gate_policy import read_policy
from governance.gates import Status, passed
from governance.queries.rehearsals import rehearsals
from governance.rehearsal import blocked_by, rehearse
from registry.actions.policies import propose_policy
from tests.governance.builders import (
    GATES,
    a_check,
    a_gate_policy,
    a_measured_version,
    a_report,
)
from tests.governance.test_api import get
from tests.registry.builders import a_model, a_policy, a_version


def result(check: str, value: float | None, status: str = "pass", **changes: object) -> dict:
    return {"check": check, "subject": "", "status": status, "value": value, "low": None, **changes}


def rehearsed(results: list[dict], *checks: dict):
    proposed = read_policy({"checks": list(checks)})
    return rehearse(results, proposed, proposed)


def proposed(by, *checks: dict, name: str = "default"):
    return propose_policy("gate", name, {"checks": list(checks)}, rationale="Stricter.", by=by)


def test_a_stricter_limit_blocks_what_passed():
    (found,) = rehearsed([result("auc", 0.7)], a_check("auc", minimum=0.8))

    assert found.status == Status.FAIL
    assert blocked_by([found]) == ["auc"]


def test_a_limit_that_is_only_watched_blocks_nobody():
    (found,) = rehearsed([result("auc", 0.7)], a_check("auc", "watch", minimum=0.8))

    assert found.status == Status.WATCH
    assert passed([found])


def test_a_milder_limit_passes_what_was_blocked():
    (found,) = rehearsed([result("auc", 0.7, "fail")], a_check("auc", minimum=0.6))

    assert found.status == Status.PASS


def test_what_the_report_does_not_hold_is_missing_evidence_and_blocks():
    taken = read_policy({"checks": [a_check("auc", minimum=0.6)]})
    asked = read_policy({"checks": [a_check("brier", maximum=0.2)]})

    (found,) = rehearse([result("auc", 0.7)], taken, asked)

    assert (found.status, found.measured) == (Status.INSUFFICIENT_DATA, False)
    assert not passed([found])


def test_a_ratio_taken_of_another_sample_was_not_measured():
    taken = read_policy({"checks": [a_check("adverse_impact", minimum=0.8, sample="all")]})
    asked = read_policy({"checks": [a_check("adverse_impact", minimum=0.8, sample="holdout")]})

    (found,) = rehearse([result("adverse_impact", 0.95, low=0.9)], taken, asked)

    assert not found.measured


@pytest.mark.parametrize(
    ("ratio", "low", "status"),
    [
        (0.95, 0.9, Status.PASS),
        (0.95, 0.7, Status.INSUFFICIENT_DATA),
        (0.85, 0.82, Status.WATCH),
        (0.7, 0.6, Status.FAIL),
        (None, None, Status.INSUFFICIENT_DATA),
    ],
)
def test_the_worst_group_decides(ratio, low, status):
    groups = [
        result("adverse_impact", 0.99, low=0.95),
        result("adverse_impact", ratio, "watch", low=low),
    ]

    (found,) = rehearsed(groups, a_check("adverse_impact", minimum=0.8))

    assert found.status == status


def test_a_question_that_did_not_arise_still_passes():
    (found,) = rehearsed([result("monotonicity", None)], a_check("monotonicity", maximum=0))

    assert found.status == Status.PASS


def test_no_check_at_all_passes_nobody():
    assert not passed([])


@pytest.mark.django_db
def test_the_policy_in_force_rehearses_to_what_its_report_says(developer):
    policy = a_gate_policy()
    report = a_report(a_version())

    (found,) = rehearsals(policy, timezone.now())

    assert found.passes is found.passes_in_force is report.passed is True
    assert [each.check for each in found.proposed] == [check["check"] for check in GATES]
    assert not found.not_measured


@pytest.mark.django_db
def test_only_the_latest_report_of_versions_that_it_would_govern_is_rehearsed(developer):
    a_gate_policy()
    for model in (a_model("one"), a_model("two")):
        # Its first report would have passed; the second is the one that counts.
        a_report(a_measured_version(developer, model=model), pd=np.full(2000, 0.5))

    of_all = rehearsals(proposed(developer, a_check("auc", minimum=0.99)), timezone.now())
    of_one = rehearsals(
        proposed(developer, a_check("auc", minimum=0.99), name="one"), timezone.now()
    )

    assert [each.report.version.model.name for each in of_all] == ["two", "one"]
    assert [each.report.version.model.name for each in of_one] == ["one"]
    assert of_all[0].blocked_by == ["auc"]
    assert not of_all[0].passes_in_force


@pytest.mark.django_db
def test_a_rehearsal_is_read_over_http_and_on_the_page_where_the_policy_is_decided(
    developer, validator, signed_in
):
    version = a_measured_version(developer)
    policy = proposed(developer, a_check("auc", minimum=0.99), a_check("brier", maximum=0.5))

    change = request_adoption(policy, "Stricter.", by=developer)

    (told,) = get(validator, f"policies/{policy.pk}/rehearsal").json()
    page = signed_in(validator).get(f"/governance/changerequest/{change.pk}/approve/")

    assert (told["model"], told["version"]) == (version.model.name, 1)
    assert (told["passes"], told["passes_in_force"]) == (False, True)
    assert told["blocked_by"] == ["auc", "brier"]
    assert told["not_measured"] == ["brier"]
    assert "Rehearsal on the latest gate report" in page.content.decode()
    assert "auc, brier" in page.content.decode()
    assert get(validator, f"policies/{policy.pk}/rehearsal?model=none").status_code == 404


@pytest.mark.django_db
def test_a_rehearsal_is_for_those_who_may_read_gate_reports(lending):
    policy = a_gate_policy()

    assert get(lending, f"policies/{policy.pk}/rehearsal").status_code == 403


@pytest.mark.django_db
def test_another_kind_of_policy_cannot_be_rehearsed(validator):
    policy = a_policy("decision")

    with pytest.raises(NotAGatePolicy):
        rehearsals(policy, timezone.now())
    assert get(validator, f"policies/{policy.pk}/rehearsal").status_code == 422


@pytest.mark.django_db
def test_the_command_shows_what_would_be_blocked_and_writes_nothing(developer, lending):
    version = a_measured_version(developer)
    policy = proposed(developer, a_check("auc", minimum=0.99))
    before, out = Entry.objects.count(), io.StringIO()

    call_command(
        "rehearse", str(policy.pk), "--model", version.model.name, "--as", "dana", stdout=out
    )

    assert "be blocked" in out.getvalue()
    assert "auc" in out.getvalue()
    assert Entry.objects.count() == before
    with pytest.raises(CommandError, match="no model"):
        call_command("rehearse", str(policy.pk), "--model", "none", "--as", "dana", stdout=out)
    with pytest.raises(CommandError, match="does not hold"):
        call_command("rehearse", str(policy.pk), "--as", lending.username, stdout=out)

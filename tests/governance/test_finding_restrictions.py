"""A critical finding, and a high one that is late, restrict what the model may decide in production, as the policy says."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.queries import service_account
from governance import sweeps
from governance.actions.findings import (
    close_finding,
    extend_finding,
    restrict_for_finding,
    submit_remediation,
)
from governance.errors import FindingRestrictsNothing, OversightPolicyMalformed
from governance.models import Finding, FindingRestriction
from governance.oversight_policy import OversightPolicy
from registry import history
from registry.actions.restrictions import lift_restriction
from registry.errors import LifterIsDeveloper
from registry.models import ModelVersion, UseRestriction
from serving.actions.decisions import decide
from serving.errors import NoNewDecisions
from tests.conftest import a_person
from tests.governance.builders import OVERSIGHT, an_oversight_policy
from tests.governance.test_api import get
from tests.governance.test_findings import a_finding, assert_refused, last_entry, later, said
from tests.serving.builders import a_champion, a_decision, an_application, the_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]
RULES = {"critical_open": "suspend", "high_overdue": "refer"}


@pytest.fixture
def champion(db: None) -> ModelVersion:
    an_oversight_policy(restriction=RULES)
    return a_champion()


@pytest.fixture
def overdue(champion: ModelVersion, developer, validator, clock) -> Finding:
    """A high finding about the champion's model, one day late."""
    finding = a_finding(developer, validator, champion.model, title="The label leaks")
    clock(later(31))
    return finding


def put_right(finding: Finding, owner: Any, validator: Any) -> None:
    submit_remediation(finding.pk, "The column is gone.", by=owner)
    close_finding(finding.pk, "Measured again.", by=validator)


def test_a_late_high_finding_refers_every_decision_until_it_is_closed(
    champion, overdue, developer, validator
):
    assert a_decision(champion).outcome == "approved"

    sweeps.restrict_for_findings()
    sweeps.restrict_for_findings()

    placed = FindingRestriction.objects.get()
    assert (placed.finding, placed.rule, placed.restriction.kind) == (
        overdue, "high_overdue", "refer_all",
    )  # fmt: skip
    assert placed.restriction.placed_by == service_account("monitor")
    assert "The label leaks" in placed.restriction.reason
    assert (last_entry().event, said(last_entry())["restriction"]) == (
        "governance.finding.use_restricted", placed.restriction_id,
    )  # fmt: skip
    assert a_decision(champion).decision_path == "restricted"
    put_right(overdue, developer, validator)
    assert a_decision(champion).outcome == "approved"
    sweeps.restrict_for_findings()
    assert FindingRestriction.objects.count() == 1


def test_an_open_critical_finding_stops_the_version_it_is_about_at_once(
    champion, developer, validator
):
    finding = a_finding(developer, validator, champion.model, severity="critical", version=champion)

    sweeps.restrict_for_findings()

    [restriction] = UseRestriction.objects.all()
    assert (restriction.version, restriction.kind) == (champion, "no_new_decisions")
    with pytest.raises(NoNewDecisions):
        decide(champion.model.name, an_application(), by=the_client())
    submit_remediation(finding.pk, "The column is gone.", by=developer)
    with pytest.raises(NoNewDecisions):
        decide(champion.model.name, an_application(), by=the_client())
    close_finding(finding.pk, "Measured again.", by=validator)
    assert a_decision(champion).outcome == "approved"


def test_more_time_lifts_what_lateness_restricts_and_not_what_a_critical_one_does(
    champion, overdue, developer, validator, approver
):
    critical = a_finding(developer, validator, champion.model, severity="critical")
    sweeps.restrict_for_findings()
    day = timezone.now().date() + timedelta(days=5)

    extend_finding(overdue.pk, day, "A vendor is late.", by=approver)
    extend_finding(critical.pk, day, "A vendor is late.", by=approver)
    sweeps.restrict_for_findings()

    [held] = [each for each in FindingRestriction.objects.all() if each.holds]
    assert (held.finding, held.rule) == (critical, "critical_open")


def test_what_somebody_lifts_by_hand_is_restricted_again(champion, overdue, approver):
    sweeps.restrict_for_findings()
    lift_restriction(UseRestriction.objects.get(), "It is inconvenient.", by=approver)
    assert a_decision(champion).outcome == "approved"

    sweeps.restrict_for_findings()

    assert a_decision(champion).outcome == "referred"
    assert FindingRestriction.objects.count() == 2


def test_a_finding_that_is_in_time_or_less_than_high_restricts_nothing(
    champion, developer, validator, clock
):
    a_finding(developer, validator, champion.model)
    medium = a_finding(developer, validator, champion.model, severity="medium")
    sweeps.restrict_for_findings()
    assert not UseRestriction.objects.exists()
    clock(later(400))

    with pytest.raises(FindingRestrictsNothing):
        restrict_for_finding(medium.pk, by=service_account("monitor"))
    assert_refused("governance.finding.use_restricted", "finding-restricts-nothing")

    assert not UseRestriction.objects.exists()


@pytest.mark.parametrize("rules", [None, {"critical_open": "none", "high_overdue": "none"}])
def test_a_policy_that_does_not_say_so_restricts_nothing(rules, developer, validator):
    an_oversight_policy(**({"restriction": rules} if rules else {}))
    version = a_champion()
    a_finding(developer, validator, version.model, severity="critical")

    sweeps.restrict_for_findings()

    assert a_decision(version).outcome == "approved"


def test_whoever_developed_the_version_gives_no_time_that_would_lift_its_restriction(
    developer, validator, clock
):
    an_oversight_policy(restriction=RULES)
    both = a_person("both", "approver", "model developer")
    version = a_champion(developed_by=both)
    finding = a_finding(developer, validator, version.model)
    clock(later(31))
    sweeps.restrict_for_findings()

    with pytest.raises(LifterIsDeveloper):
        extend_finding(finding.pk, later(60).date(), "Mine.", by=both)
    assert_refused("governance.finding.extended", "lifter-is-developer")

    finding.refresh_from_db()
    assert finding.due_on < timezone.now().date()
    assert a_decision(version).outcome == "referred"


def test_the_restriction_is_seen_wherever_one_looks_and_as_of_any_time(
    champion, overdue, validator, auditor, signed_in, capsys
):
    before = timezone.now()
    sweeps.restrict_for_findings()
    number = UseRestriction.objects.get().pk

    page = reverse("admin:registry_scoringmodel_change", args=[champion.model.pk])
    for where in (page, "/"):
        assert "high finding, due" in signed_in(validator).get(where).content.decode()
    finding = reverse("admin:governance_finding_change", args=[overdue.pk])
    assert "refer_all on" in signed_in(validator).get(finding).content.decode()
    assert get(validator, f"findings/{overdue.pk}").json()["restrictions"] == [number]
    live = get(validator, f"models/{champion.model.name}/live").json()["restrictions"]
    assert [(each["id"], each["kind"]) for each in live] == [(number, "refer_all")]
    call_command("live", champion.model.name, "--as", "ines")
    [told] = json.loads(capsys.readouterr().out)["restrictions"]
    assert "The label leaks" in told["reason"]
    placed = UseRestriction.objects.get().valid_from
    name = champion.model.name
    assert history.live(name, before - timedelta(seconds=1)).restrictions == []
    assert history.live(name, placed).restrictions != []


def test_the_fact_that_a_finding_restricted_use_never_changes(champion, overdue):
    sweeps.restrict_for_findings()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        FindingRestriction.objects.update(rule="critical_open")


def test_a_rule_that_nobody_knows_is_refused_by_name():
    with pytest.raises(OversightPolicyMalformed) as refusal:
        OversightPolicy.from_json(
            {**OVERSIGHT, "restriction": {"critical_open": "shout", "low": 1}}
        )

    assert {problem.field for problem in refusal.value.errors} == {
        "restriction.critical_open", "restriction.high_overdue", "restriction.low",
    }  # fmt: skip

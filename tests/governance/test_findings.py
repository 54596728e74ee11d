"""What is wrong with a model is put right by its owner, judged by somebody else, and keeps it from promotion meanwhile."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from governance import sweeps
from governance.actions.changes import (
    approve_change,
    request_adoption,
    request_promotion,
    request_revocation,
)
from governance.actions.findings import (
    Deficiency,
    close_finding,
    extend_finding,
    notice_overdue_finding,
    open_finding,
    reject_remediation,
    submit_remediation,
)
from governance.actions.incidents import close_incident
from governance.demo import policies as demo
from governance.errors import (
    DeveloperCannotJudge,
    FindingClosed,
    FindingMalformed,
    FindingNotOpen,
    FindingNotOverdue,
    FindingNotRemediated,
    NoOversightPolicy,
    NoSuchFinding,
    NotTheOwner,
    OpenFinding,
    OversightPolicyMalformed,
    OwnerCannotDecide,
    RationaleMissing,
)
from governance.models import (
    ChangeRequest,
    Finding,
    FindingExtension,
    Incident,
    OverdueFinding,
)
from governance.oversight_policy import OversightPolicy
from tests.governance.builders import (
    OVERSIGHT,
    WHY,
    a_champion,
    a_finding,
    a_measured_version,
    a_remediated_finding,
    an_oversight_policy,
    assert_refused,
    last_entry,
    later,
    said,
)
from tests.registry.builders import a_model, a_policy, a_version

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]


@pytest.mark.parametrize(
    ("severity", "days"), [("critical", 0), ("high", 30), ("medium", 90), ("low", 180)]
)
def test_a_finding_is_due_as_the_policy_says_for_its_severity(severity, days, developer, validator):
    finding = a_finding(developer, validator, severity=severity)

    assert finding.due_on == timezone.now().date() + timedelta(days=days)
    entry = last_entry()
    assert entry.event == "governance.finding.opened"
    assert said(entry)["due_on"] == str(finding.due_on)
    assert said(entry)["policy_sha256"] == finding.policy.sha256


def test_a_models_own_policy_says_when_its_findings_are_due(developer, validator):
    model = a_model()
    an_oversight_policy(model.name, finding_days={"critical": 0, "high": 7, "medium": 9, "low": 9})

    finding = a_finding(developer, validator, model)

    assert finding.due_on == timezone.now().date() + timedelta(days=7)


def test_without_an_oversight_policy_no_finding_has_a_due_date(developer, validator):
    found = Deficiency("high", "data", "Leak", "Section 4.", developer)

    with pytest.raises(NoOversightPolicy):
        open_finding(a_model(), found, by=validator)

    assert not Finding.objects.exists()
    assert_refused("governance.finding.opened", "no-oversight-policy")


def test_a_finding_that_lacks_what_it_must_say_is_refused_with_every_field(developer, validator):
    other = a_version()
    auditor_less = User.objects.create_user("nora")

    with pytest.raises(FindingMalformed) as refusal:
        a_finding(
            auditor_less, validator, severity="grave", category=" ", title="", evidence="", version=other
        )  # fmt: skip

    fields = {problem.field for problem in refusal.value.errors}
    assert fields == {"severity", "category", "title", "evidence", "owner", "version"}
    assert not Finding.objects.exists()
    assert_refused("governance.finding.opened", "finding-malformed")


@pytest.mark.parametrize("days", [-1, 31])
def test_a_due_date_later_than_the_policys_is_an_extension(days, developer, validator):
    with pytest.raises(FindingMalformed, match="due date"):
        a_finding(developer, validator, due_on=later(days).date())

    assert not Finding.objects.exists()
    assert_refused("governance.finding.opened", "finding-malformed")


def test_a_finding_goes_from_open_to_closed_by_a_validator(developer, validator):
    finding = a_remediated_finding(developer, validator)
    assert (finding.state, last_entry().event) == ("remediated", "governance.finding.remediated")

    close_finding(finding.pk, "Measured again: no leak.", by=validator)

    finding.refresh_from_db()
    assert (finding.state, finding.closed_by) == ("closed", validator)
    assert last_entry().event == "governance.finding.closed"


def test_a_remediation_that_is_not_enough_goes_back_to_the_owner(developer, validator):
    finding = a_remediated_finding(developer, validator)

    reject_remediation(finding.pk, "The column is still read.", by=validator)

    finding.refresh_from_db()
    assert (finding.state, finding.rejection) == ("open", "The column is still read.")
    assert last_entry().event == "governance.finding.remediation_rejected"
    submit_remediation(finding.pk, "Now it is gone.", by=developer)


def test_only_the_owner_says_how_it_was_put_right(developer, validator, approver):
    finding = a_finding(developer, validator)

    with pytest.raises(NotTheOwner):
        submit_remediation(finding.pk, "Done.", by=approver)
    assert_refused("governance.finding.remediated", "not-the-owner")
    with pytest.raises(RationaleMissing):
        submit_remediation(finding.pk, " ", by=developer)
    assert_refused("governance.finding.remediated", "rationale-missing")

    finding.refresh_from_db()
    assert finding.state == "open"


def test_a_finding_is_not_closed_before_it_is_remediated(developer, validator):
    finding = a_finding(developer, validator)

    with pytest.raises(FindingNotRemediated):
        close_finding(finding.pk, "Fine.", by=validator)
    assert_refused("governance.finding.closed", "finding-not-remediated")
    with pytest.raises(FindingNotRemediated):
        reject_remediation(finding.pk, "No.", by=validator)

    finding.refresh_from_db()
    assert finding.state == "open"


@pytest.mark.parametrize("judge", [close_finding, reject_remediation])
def test_the_owner_does_not_judge_their_own_remediation(judge, developer, validator):
    developer.groups.add(Group.objects.get(name="validator"))
    finding = a_remediated_finding(developer, validator)

    with pytest.raises(OwnerCannotDecide):
        judge(finding.pk, "It is fine.", by=developer)

    finding.refresh_from_db()
    assert (finding.state, finding.closed_by) == ("remediated", None)
    assert_refused(judge.act.event, "owner-cannot-decide")


@pytest.mark.parametrize("is_about_the_version", [True, False])
@pytest.mark.parametrize("judge", [close_finding, reject_remediation])
def test_the_developer_does_not_judge_a_finding_about_their_version(
    judge, is_about_the_version, developer, operator, validator
):
    developer.groups.add(Group.objects.get(name="validator"))
    version = a_measured_version(developer)
    about = {"version": version} if is_about_the_version else {}
    finding = a_finding(operator, validator, version.model, **about)
    submit_remediation(finding.pk, "Retrained.", by=operator)

    with pytest.raises(DeveloperCannotJudge):
        judge(finding.pk, "It is fine.", by=developer)

    finding.refresh_from_db()
    assert finding.state == "remediated"
    assert_refused(judge.act.event, "developer-cannot-judge")


@pytest.mark.parametrize("judge", [close_finding, reject_remediation])
def test_a_judgement_needs_words_and_a_finding(judge, developer, validator):
    finding = a_remediated_finding(developer, validator)

    with pytest.raises(RationaleMissing):
        judge(finding.pk, " ", by=validator)
    assert_refused(judge.act.event, "rationale-missing")
    with pytest.raises(NoSuchFinding):
        judge(uuid4(), "Which?", by=validator)
    with pytest.raises(NotPermitted):
        judge(finding.pk, "Fine.", by=developer)

    finding.refresh_from_db()
    assert finding.state == "remediated"


def test_a_closed_finding_stays_closed(developer, validator, approver):
    finding = a_remediated_finding(developer, validator)
    close_finding(finding.pk, "Measured again.", by=validator)

    with pytest.raises(FindingNotOpen):
        submit_remediation(finding.pk, "Once more.", by=developer)
    with pytest.raises(FindingNotRemediated):
        close_finding(finding.pk, "Once more.", by=validator)
    with pytest.raises(FindingClosed):
        extend_finding(finding.pk, later(99).date(), "More.", by=approver)
    assert_refused("governance.finding.extended", "finding-closed")
    with pytest.raises(IntegrityError, match="closed"), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(rejection="No.")


def test_an_extension_moves_the_due_date_and_is_counted(developer, validator, approver):
    finding = a_finding(developer, validator)
    was = finding.due_on

    extend_finding(finding.pk, was + timedelta(days=10), "The vendor is late.", by=approver)
    extend_finding(finding.pk, was + timedelta(days=20), "Later still.", by=approver)

    finding.refresh_from_db()
    assert finding.due_on == was + timedelta(days=20)
    assert [extension.was_due_on for extension in finding.extensions.all()] == [
        was,
        was + timedelta(days=10),
    ]
    entry = last_entry()
    assert said(entry)["model"] == finding.model.name
    assert (entry.event, said(entry)["extensions"]) == ("governance.finding.extended", 2)


def test_an_extension_is_refused_to_the_owner_without_a_reason_and_backwards(
    developer, validator, approver
):
    own = a_finding(approver, validator)
    finding = a_finding(developer, validator)

    with pytest.raises(OwnerCannotDecide):
        extend_finding(own.pk, later(99).date(), "I need it.", by=approver)
    assert_refused("governance.finding.extended", "owner-cannot-decide")
    with pytest.raises(RationaleMissing):
        extend_finding(finding.pk, later(99).date(), "", by=approver)
    assert_refused("governance.finding.extended", "rationale-missing")
    with pytest.raises(FindingMalformed):
        extend_finding(finding.pk, finding.due_on, "Same day.", by=approver)
    assert_refused("governance.finding.extended", "finding-malformed")

    assert not FindingExtension.objects.exists()
    finding.refresh_from_db()
    assert finding.due_on == later(30).date()


def test_the_database_lets_no_owner_and_no_developer_close(developer, operator, validator):
    version = a_measured_version(developer)
    finding = a_finding(operator, validator, version.model, version=version)
    submit_remediation(finding.pk, "Retrained.", by=operator)
    closed = {"state": "closed", "closed_at": timezone.now(), "closing_rationale": "Fine."}
    row = Finding.objects.filter(pk=finding.pk)

    with pytest.raises(IntegrityError, match="closer_is_not_owner"), transaction.atomic():
        row.update(closed_by=operator, **closed)
    with pytest.raises(IntegrityError, match="whoever developed"), transaction.atomic():
        row.update(closed_by=developer, **closed)
    with pytest.raises(IntegrityError, match="has_a_closer"), transaction.atomic():
        row.update(closed_by=None, **closed)

    assert row.get().state == "remediated"


def test_the_database_moves_no_due_date_without_an_extension_by_another(
    developer, validator, approver
):
    finding = a_finding(developer, validator)
    row = Finding.objects.filter(pk=finding.pk)
    extension = {"was_due_on": finding.due_on, "reason": "Mine.", "approved_at": timezone.now()}
    entry = last_entry()

    with pytest.raises(IntegrityError, match="more time"), transaction.atomic():
        row.update(due_on=later(99).date())
    with pytest.raises(IntegrityError, match="owner of a finding"), transaction.atomic():
        FindingExtension.objects.create(
            finding=finding,
            due_on=later(99).date(),
            approved_by=developer,
            entry=entry,
            **extension,
        )
    with pytest.raises(IntegrityError, match="another date"), transaction.atomic():
        FindingExtension.objects.create(
            finding=finding, due_on=later(99).date(), approved_by=approver, entry=entry,
            **{**extension, "was_due_on": later(50).date()},
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="only"), transaction.atomic():
        row.update(severity="low")
    with pytest.raises(IntegrityError, match="not remediated"), transaction.atomic():
        row.update(
            state="closed", closed_by=validator, closed_at=timezone.now(), closing_rationale="-",
            remediation="-", remediated_at=timezone.now(),
        )  # fmt: skip

    assert row.get().due_on == finding.due_on


def test_an_open_critical_finding_keeps_a_version_from_being_asked_for(developer, validator):
    version = a_measured_version(developer)
    a_finding(developer, validator, version.model, version=version, severity="critical")

    with pytest.raises(OpenFinding, match="The label leaks"):
        request_promotion(version, "staging", "Ready.", by=developer)

    assert not ChangeRequest.objects.exists()
    assert_refused("governance.change.requested", "open-finding")


def test_a_critical_finding_after_the_request_keeps_it_from_being_approved(developer, validator):
    version = a_measured_version(developer)
    change = request_promotion(version, "staging", "Ready.", by=developer)
    finding = a_finding(developer, validator, version.model, severity="critical")

    with pytest.raises(OpenFinding):
        approve_change(change.pk, WHY, by=validator)
    version.refresh_from_db()
    assert version.stage == "registered"
    assert_refused("governance.change.approved", "open-finding")

    submit_remediation(finding.pk, "The column is gone.", by=developer)
    with pytest.raises(OpenFinding):
        approve_change(change.pk, WHY, by=validator)
    close_finding(finding.pk, "Measured again.", by=validator)
    approve_change(change.pk, WHY, by=validator)
    version.refresh_from_db()
    assert version.stage == "staging"


def test_a_high_finding_restricts_only_once_it_is_late(developer, validator, approver, clock):
    version = a_measured_version(developer)
    change = request_promotion(version, "staging", "Ready.", by=developer)
    finding = a_finding(developer, validator, version.model, due_on=later(5).date())
    start = timezone.now()
    clock(start + timedelta(days=6))

    with pytest.raises(OpenFinding):
        approve_change(change.pk, WHY, by=validator)

    extend_finding(finding.pk, (start + timedelta(days=9)).date(), "A holiday.", by=approver)
    approve_change(change.pk, WHY, by=validator)
    assert ChangeRequest.objects.get().state == "granted"


def test_findings_about_another_version_and_mild_ones_block_nothing(developer, validator, clock):
    version = a_measured_version(developer)
    other = a_measured_version(developer, model=version.model)
    a_finding(developer, validator, version.model, version=other, severity="critical")
    a_finding(developer, validator, version.model, severity="medium", due_on=later(1).date())
    clock(later(5))

    change = request_promotion(version, "staging", "Ready.", by=developer)

    assert change.state == "open"


def test_a_finding_does_not_keep_a_version_in_use(developer, validator, approver):
    champion = a_champion(developer, validator, approver)
    a_finding(developer, validator, champion.model, severity="critical")

    change = request_revocation(champion, "It leaks.", by=developer)

    assert change.state == "open"


def test_a_finding_that_is_late_becomes_one_incident(developer, validator, clock):
    version = a_measured_version(developer)
    finding = a_finding(developer, validator, version.model)
    a_finding(developer, validator, version.model, severity="medium", due_on=later(1).date())
    sweeps.watch_findings()
    sweeps.open_incidents()
    assert not Incident.objects.exists()
    clock(later(31))

    for _ in range(2):
        sweeps.watch_findings()
        sweeps.open_incidents()

    fact = OverdueFinding.objects.get()
    assert (fact.finding, fact.due_on) == (finding, finding.due_on)
    incident = Incident.objects.get()
    assert (incident.kind, incident.version, incident.first_fact) == (
        "overdue_finding",
        version,
        fact.pk,
    )
    assert Entry.objects.filter(event="governance.finding.overdue").count() == 1
    close_incident(incident.pk, "The owner was told.", by=validator)
    sweeps.watch_findings()
    sweeps.open_incidents()
    assert Incident.objects.count() == 1


def test_a_finding_that_is_late_again_after_an_extension_is_noticed_again(
    developer, validator, approver, clock
):
    version = a_measured_version(developer)
    finding = a_finding(developer, validator, version.model, version=version)
    clock(later(31))
    sweeps.watch_findings()
    sweeps.open_incidents()
    close_incident(Incident.objects.get().pk, "Extended.", by=validator)
    extend_finding(finding.pk, finding.due_on + timedelta(days=10), "A holiday.", by=approver)
    sweeps.open_incidents()
    assert Incident.objects.count() == 1
    clock(later(15))

    sweeps.watch_findings()
    sweeps.open_incidents()

    assert OverdueFinding.objects.count() == 2
    assert Incident.objects.filter(state="open").count() == 1


def test_a_finding_is_not_noticed_as_late_before_it_is_or_twice(developer, validator, clock):
    monitor = service_account("monitor")
    finding = a_finding(developer, validator)

    with pytest.raises(FindingNotOverdue):
        notice_overdue_finding(finding.pk, by=monitor)
    assert_refused("governance.finding.overdue", "finding-not-overdue")
    assert not OverdueFinding.objects.exists()
    clock(later(31))
    notice_overdue_finding(finding.pk, by=monitor)
    with pytest.raises(FindingNotOverdue):
        notice_overdue_finding(finding.pk, by=monitor)

    assert OverdueFinding.objects.count() == 1


def test_a_finding_about_a_model_without_versions_is_noticed_and_no_incident(
    developer, validator, clock
):
    a_finding(developer, validator)
    clock(later(31))

    sweeps.watch_findings()
    sweeps.open_incidents()

    assert OverdueFinding.objects.count() == 1
    assert not Incident.objects.exists()


def test_an_oversight_policy_that_nobody_can_follow_is_not_asked_for(developer):
    policy = a_policy("oversight", {"finding_days": {}}, adopted=False)

    with pytest.raises(OversightPolicyMalformed):
        request_adoption(policy, "Better.", by=developer)

    assert not ChangeRequest.objects.exists()
    assert_refused("governance.change.requested", "oversight-policy-malformed")


def test_an_oversight_policy_names_every_severity_and_tier():
    assert OversightPolicy.from_json(OVERSIGHT).finding_days["high"] == 30
    assert OversightPolicy.from_json(demo.oversight_policy()).finding_days["critical"] == 0

    with pytest.raises(OversightPolicyMalformed) as refusal:
        OversightPolicy.from_json(
            {
                "finding_days": {"critical": -1, "high": 30, "medium": True, "low": 180, "odd": 1},
                "attestation_months": {"1": 6, "2": 0, "3": 12},
                "colour": "red",
            }
        )

    assert {problem.field for problem in refusal.value.errors} == {
        "finding_days.critical",
        "finding_days.medium",
        "finding_days.odd",
        "attestation_months.2",
        "revalidation_months",
        "colour",
    }

"""An approval may ask for something: it is kept, and once the change is granted somebody must do it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.actions.changes import (
    approve_change,
    reject_change,
    request_adoption,
    request_promotion,
)
from governance.actions.findings import close_finding, submit_remediation
from governance.errors import (
    ConditionMalformed,
    ConditionOverdue,
    NoOversightPolicy,
    OpenFinding,
)
from governance.models import Approval, ApprovalCondition, ConditionFinding, Finding
from governance.queries.conditions import MOST_CONDITIONS, Condition
from tests.conftest import a_person
from tests.governance.builders import (
    WHY,
    a_request,
    a_staged_version,
    an_oversight_policy,
    assert_refused,
    last_entry,
    later,
    said,
)
from tests.governance.test_api import get, post
from tests.registry.builders import a_model, a_policy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]
LIMIT = "Restrict the largest amount to 20,000 until a year of outcomes is in."


def a_condition(owner, days: int = 10, text: str = LIMIT) -> Condition:
    return Condition(text, owner, timezone.now().date() + timedelta(days=days))


@pytest.fixture
def change(developer):
    an_oversight_policy()
    return a_request(developer)


def test_a_condition_becomes_a_high_finding_when_the_change_is_granted(
    change, developer, validator
):
    condition = a_condition(developer)

    approve_change(change.pk, WHY, by=validator, conditions=[condition])

    kept, opened = ApprovalCondition.objects.get(), ConditionFinding.objects.get()
    assert (kept.text, kept.owner, kept.due_on) == (LIMIT, developer, condition.due_on)
    assert (kept.approval.approver, opened.condition) == (validator, kept)
    finding = opened.finding
    assert (finding.version, finding.severity, finding.state) == (change.version, "high", "open")
    assert (finding.owner, finding.due_on) == (developer, condition.due_on)
    assert LIMIT in finding.evidence
    approval = said(kept.entry)
    assert approval["conditions"] == [
        {"text": LIMIT, "owner": "dana", "due_on": str(condition.due_on)}
    ]
    assert last_entry().event == "governance.condition.opened"
    assert said(last_entry())["finding"] == str(finding.pk)


def test_an_unmet_condition_keeps_the_version_from_promotion_until_it_is_met(
    change, developer, validator, clock
):
    approve_change(change.pk, WHY, by=validator, conditions=[a_condition(developer, 3)])
    other = a_person("vera", "validator")
    clock(later(5))

    with pytest.raises(OpenFinding, match="Restrict the largest amount"):
        request_promotion(change.version, "production", "Ready.", by=developer)

    finding = Finding.objects.get()
    submit_remediation(finding.pk, "Restriction 4 is in force.", by=developer)
    close_finding(finding.pk, "Read it.", by=other)
    request_promotion(change.version, "production", "Ready.", by=developer)


def test_a_condition_waits_for_the_last_seat_of_a_quorum(developer, validator, approver):
    an_oversight_policy()
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    asked = a_request(developer, version, "production")
    second = a_person("vera", "validator")

    approve_change(asked.pk, WHY, by=second, conditions=[a_condition(developer)])
    assert (ApprovalCondition.objects.count(), Finding.objects.count()) == (1, 0)
    approve_change(asked.pk, WHY, by=approver)

    finding = Finding.objects.get()
    assert finding.condition.condition.approval.approver == second
    assert finding.opened_by == approver


def test_a_change_is_not_granted_after_the_day_of_a_condition(
    developer, validator, approver, clock
):
    an_oversight_policy()
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    asked = a_request(developer, version, "production")
    second = a_person("vera", "validator")
    approve_change(asked.pk, WHY, by=second, conditions=[a_condition(developer, 1)])
    clock(later(3))

    with pytest.raises(ConditionOverdue):
        approve_change(asked.pk, WHY, by=approver)

    asked.refresh_from_db()
    assert asked.state == "open"
    assert not Finding.objects.exists()
    assert_refused("governance.change.approved", "condition-overdue")


def test_every_fault_of_every_condition_is_named(change, developer, validator, auditor):
    conditions = [
        a_condition(developer),
        a_condition(auditor, text=" "),
        a_condition(developer, days=31),
        a_condition(developer, days=-1),
    ]

    with pytest.raises(ConditionMalformed) as refused:
        approve_change(change.pk, WHY, by=validator, conditions=conditions)

    assert [problem.field for problem in refused.value.errors] == [
        "conditions.1.text",
        "conditions.1.owner",
        "conditions.2.due_on",
        "conditions.3.due_on",
    ]
    assert not Approval.objects.exists()
    assert_refused("governance.change.approved", "condition-malformed")


def test_conditions_are_not_without_number(change, developer, validator):
    with pytest.raises(ConditionMalformed):
        approve_change(
            change.pk,
            WHY,
            by=validator,
            conditions=[a_condition(developer)] * (MOST_CONDITIONS + 1),
        )


def test_without_an_oversight_policy_no_condition_is_set(developer, validator):
    change = a_request(developer)

    with pytest.raises(NoOversightPolicy):
        approve_change(change.pk, WHY, by=validator, conditions=[a_condition(developer)])

    assert not ApprovalCondition.objects.exists()


def test_a_policy_is_adopted_without_conditions(developer, approver):
    an_oversight_policy()
    change = request_adoption(a_policy("decision", adopted=False), "New cut-off.", by=developer)

    with pytest.raises(ConditionMalformed):
        approve_change(change.pk, WHY, by=approver, conditions=[a_condition(developer)])


def test_where_the_owner_lost_the_role_meanwhile_nothing_is_granted(
    developer, validator, approver, analyst
):
    an_oversight_policy()
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    asked = a_request(developer, version, "production")
    second = a_person("vera", "validator")
    approve_change(asked.pk, WHY, by=second, conditions=[a_condition(analyst)])
    analyst.groups.remove(Group.objects.get(name="fair-lending analyst"))

    post(approver, f"change-requests/{asked.pk}/approvals", decision="approve", rationale=WHY)

    asked.refresh_from_db()
    assert asked.state == "open"
    assert not Finding.objects.exists()


def test_over_http_a_condition_is_set_and_leads_to_its_finding(change, developer, validator):
    due_on = str(timezone.now().date() + timedelta(days=5))
    condition = {"text": LIMIT, "owner": "dana", "due_on": due_on}
    path = f"change-requests/{change.pk}"

    unknown = post(
        validator, f"{path}/approvals", decision="approve", rationale=WHY,
        conditions=[condition | {"owner": "nobody"}],
    )  # fmt: skip
    rejected = post(
        validator, f"{path}/approvals", decision="reject", rationale=WHY, conditions=[condition]
    )
    granted = post(
        validator, f"{path}/approvals", decision="approve", rationale=WHY, conditions=[condition]
    )

    assert unknown.status_code == 404
    assert rejected.status_code == 400
    assert [error["field"] for error in rejected.json()["errors"]] == ["conditions"]
    finding = Finding.objects.get()
    shown = granted.json()["approvals"][0]["conditions"]
    assert shown == [condition | {"finding": str(finding.pk)}]
    before = get(
        developer, f"{path}?as_of={change.requested_at.isoformat().replace('+00:00', 'Z')}"
    )
    assert before.json()["approvals"] == []


def test_in_the_admin_conditions_are_set_beside_the_rationale(
    change, developer, validator, signed_in
):
    browser = signed_in(validator)
    page = f"/governance/changerequest/{change.pk}/approve/"
    fields = {"rationale": WHY, "condition_1": LIMIT, "owner_1": "dana"}

    without_day = browser.post(page, fields)
    answer = browser.post(page, fields | {"due_on_1": str(timezone.now().date())})

    assert without_day.status_code == 422
    assert "due_on_1" in without_day.content.decode()
    assert answer.status_code == 302
    finding = Finding.objects.get()
    window = browser.get(f"/governance/changerequest/{change.pk}/change/").content.decode()
    assert LIMIT in window
    assert f"/governance/finding/{finding.pk}/change/" in window


def test_who_decides_next_reads_the_conditions_that_were_set(
    developer, validator, approver, signed_in
):
    an_oversight_policy()
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    asked = a_request(developer, version, "production")
    second = a_person("vera", "validator")
    approve_change(asked.pk, WHY, by=second, conditions=[a_condition(developer)])

    page = signed_in(approver).get(f"/governance/changerequest/{asked.pk}/approve/")

    assert LIMIT in page.content.decode()


# What follows goes around the acts: the database refuses it to whoever writes.


def test_the_database_keeps_conditions_and_refuses_them_afterwards(change, developer, validator):
    approve_change(change.pk, WHY, by=validator, conditions=[a_condition(developer)])
    kept = ApprovalCondition.objects.get()
    fields = {"text": "More.", "owner": developer, "due_on": kept.due_on, "entry": kept.entry}

    for write in (
        lambda: ApprovalCondition.objects.update(text="Something easier."),
        ApprovalCondition.objects.all().delete,
        ConditionFinding.objects.all().delete,
        lambda: ApprovalCondition.objects.create(approval=kept.approval, **fields),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_the_database_refuses_a_condition_of_a_rejection(change, developer, validator):
    reject_change(change.pk, "Not yet.", by=validator)
    rejection = Approval.objects.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        ApprovalCondition.objects.create(
            approval=rejection,
            text=LIMIT,
            owner=developer,
            due_on=timezone.now().date(),
            entry=rejection.entry,
        )

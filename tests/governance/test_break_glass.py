"""An emergency takes two people, lasts hours, leaves a finding, and is called what it is wherever it is shown."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.entries import parse
from audit.models import Entry
from audit.queries import service_account
from governance.actions.changes import approve_change, expire_change
from governance.actions.requests import request_break_glass
from governance.actions.rollbacks import roll_back
from governance.actions.versions import suspend_version
from governance.errors import (
    ApprovedAlready,
    ChangeMalformed,
    DeveloperCannotApprove,
    EvidenceChanged,
    NoOversightPolicy,
    NoWayBack,
    RequesterCannotApprove,
    WrongStage,
)
from governance.models import Approval, ChangeRequest, Finding
from registry.models import Clearance, Policy
from registry.queries import champion, live_clearance
from tests.governance.builders import (
    WHY,
    a_champion,
    a_report,
    an_oversight_policy,
    in_role,
)
from tests.governance.test_api import decide, get, post
from tests.governance.test_findings import a_finding
from tests.registry.builders import a_version
from tests.serving.builders import an_application

CRISIS = "The champion declines everybody since 09:10."


@pytest.fixture(autouse=True)
def oversight(db):
    an_oversight_policy()


@pytest.fixture
def now(developer, validator, approver):
    return a_champion(developer, validator, approver)


@pytest.fixture
def unready(now, developer):
    """A version of the same model that was never measured."""
    return a_version(run=now.run, developed_by=developer)


def let_through(version, by, *people, hours=8):
    change = request_break_glass(version, hours, CRISIS, by=by)
    for person in people:
        approve_change(change.pk, WHY, by=person)
    change.refresh_from_db()
    return change


def test_a_version_without_gates_decides_for_hours_and_leaves_a_finding(
    now, unready, developer, validator, approver, lending
):
    change = request_break_glass(unready, 8, CRISIS, by=developer)
    approve_change(change.pk, WHY, by=approver)
    assert champion(now.model) == now
    assert not Finding.objects.exists()

    approve_change(change.pk, WHY, by=validator)

    at = timezone.now()
    clearance = live_clearance(unready, "score_live", at)
    finding = Finding.objects.get()
    assert champion(now.model) == unready
    assert clearance.is_break_glass
    assert timedelta(hours=7.9) < clearance.valid_to - at <= timedelta(hours=8)
    assert set(clearance.approver_ids) == {validator.pk, approver.pk}
    assert (finding.severity, finding.category, finding.owner) == ("high", "break_glass", developer)
    assert finding.due_on == at.date() + timedelta(days=30)
    assert str(change.pk) in finding.evidence
    answer = post(lending, f"models/{now.model.name}/decisions", **an_application()).json()
    assert answer["version"] == unready.number


def test_its_clearance_ends_by_itself_and_then_nothing_decides(
    unready, developer, validator, approver, lending, clock
):
    let_through(unready, developer, validator, approver, hours=1)

    clock(timezone.now() + timedelta(hours=2))

    refused = post(lending, f"models/{unready.model.name}/decisions", **an_application())
    assert refused.json()["type"].endswith("no-cleared-version")


def test_a_suspended_version_comes_back_whatever_its_findings(now, developer, validator, approver):
    suspend_version(now, "Odd reasons.", by=approver)
    now.refresh_from_db()
    a_finding(developer, approver, now.model, severity="critical")

    let_through(now, developer, validator, approver)

    assert champion(now.model) == now
    assert live_clearance(now, "score_live", timezone.now()).is_break_glass


def test_a_former_champion_returns_after_its_way_back_ran_out(
    now, developer, validator, approver, clock
):
    after = a_champion(developer, validator, approver, model=now.model)
    now.refresh_from_db()
    assert now.stage == "archived"

    let_through(now, developer, validator, approver)

    assert champion(now.model) == now
    assert live_clearance(after, "rollback", timezone.now()).is_break_glass is False


def test_who_decided_by_break_glass_is_not_gone_back_to(
    now, unready, developer, validator, approver
):
    let_through(unready, developer, validator, approver)
    let_through_again = request_break_glass(
        a_version(run=now.run, developed_by=developer), 2, CRISIS, by=developer
    )
    for person in (validator, approver):
        approve_change(let_through_again.pk, WHY, by=person)

    assert not live_clearance(unready, "rollback", timezone.now())
    back = roll_back(now.model, "It is no better.", by=approver)
    assert back.to_version == now
    with pytest.raises(NoWayBack):
        roll_back(now.model, "Again.", by=approver)


@pytest.mark.parametrize("hours", [0, 73])
def test_it_lasts_hours(hours, unready, developer):
    with pytest.raises(ChangeMalformed) as refused:
        request_break_glass(unready, hours, CRISIS, by=developer)

    assert refused.value.errors[0].field == "hours"
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


def test_the_champion_needs_none(now, developer):
    with pytest.raises(WrongStage):
        request_break_glass(now, 8, CRISIS, by=developer)


def test_without_an_oversight_policy_there_is_no_due_date_and_no_emergency(unready, developer):
    Policy.objects.filter(kind="oversight").update(status="withdrawn")

    with pytest.raises(NoOversightPolicy):
        request_break_glass(unready, 8, CRISIS, by=developer)


def test_one_person_is_not_two_and_makers_are_none(
    unready, analyst, developer, validator, approver
):
    change = request_break_glass(unready, 8, CRISIS, by=analyst)
    both = [*validator.groups.all(), *approver.groups.all()]
    for person in (analyst, developer, approver):
        person.groups.add(*both)

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=analyst)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)
    approve_change(change.pk, WHY, by=approver)
    with pytest.raises(ApprovedAlready):
        approve_change(change.pk, WHY, by=approver)

    change.refresh_from_db()
    assert change.state == "open"


def test_new_evidence_voids_it(unready, developer, validator, approver):
    change = request_break_glass(unready, 8, CRISIS, by=developer)
    a_finding(developer, approver, unready.model)

    with pytest.raises(EvidenceChanged):
        approve_change(change.pk, WHY, by=validator)


def test_what_waited_a_day_is_no_emergency(unready, developer, clock):
    change = request_break_glass(unready, 8, CRISIS, by=developer)
    clock(timezone.now() + timedelta(hours=25))

    expire_change(change.pk, by=service_account("monitor"))

    change.refresh_from_db()
    assert change.state == "expired"


def test_it_is_shown_as_what_it_is(now, developer, validator, approver, signed_in):
    suspend_version(now, "Odd reasons.", by=approver)
    asked = post(
        developer, "change-requests",
        kind="break_glass", model=now.model.name, version=now.number, terms={"hours": 8}, rationale=CRISIS,
    )  # fmt: skip
    for person in (validator, approver):
        decide(person, asked.json()["id"])

    told = get(approver, f"models/{now.model.name}/live").json()
    version = get(approver, f"models/{now.model.name}/versions/{now.number}").json()
    window = signed_in(approver).get(reverse("admin:registry_modelversion_change", args=[now.pk]))
    change = get(approver, f"change-requests/{asked.json()['id']}").json()

    assert (change["kind"], change["state"]) == ("break_glass", "granted")
    assert told["clearance"]["is_break_glass"] is True
    assert version["clearances"][0]["is_break_glass"] is True
    assert "(break-glass)" in window.content.decode()
    entry = Clearance.objects.filter(is_break_glass=True).first().entry
    assert parse(bytes(entry.body))["public"]["is_break_glass"] is True


def test_the_button_asks_for_it(unready, developer, signed_in):
    page = reverse("registry_modelversion_request-break-glass", args=[unready.pk])

    answer = signed_in(developer).post(page, {"rationale": CRISIS, "hours": "8"})

    assert answer.status_code == 302
    assert ChangeRequest.objects.get(kind="break_glass").terms == {"hours": 8}


# What follows goes around the acts: the database refuses it to whoever writes.


def test_the_database_grants_no_emergency_on_one_approval(unready, developer, approver):
    change = let_through(unready, developer, approver)

    with pytest.raises(IntegrityError, match="two seats"), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(
            state="granted", decided_at=timezone.now()
        )


@pytest.mark.parametrize("who", ["developer", "analyst"])
def test_the_database_takes_no_approval_from_maker_or_requester(who, unready, analyst, request):
    change = request_break_glass(unready, 8, CRISIS, by=analyst)

    holder = in_role(request.getfixturevalue(who), "approver")

    with pytest.raises(IntegrityError, match="maker"), transaction.atomic():
        Approval.objects.create(
            change_request=change, approver=holder, decision="approve",
            seat="governance.decide_production", rationale=WHY, decided_at=timezone.now(), entry=change.entry,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_break_glass": False, "valid_to": None}, "granted change request|granted once"),
        ({"valid_to": None}, "registry_break_glass_ends|granted once"),
    ],
)
def test_the_database_clears_an_emergency_as_one_and_for_a_time(
    changes, why, unready, developer, validator, approver
):
    let_through(unready, developer, validator, approver)
    given = Clearance.objects.get(is_break_glass=True, kind="grant")
    fields = {
        field.attname: getattr(given, field.attname)
        for field in Clearance._meta.concrete_fields
        if field.name not in {"id", "entry"}
    }

    with pytest.raises(IntegrityError, match=why), transaction.atomic():
        Clearance.objects.create(**{**fields, **changes}, entry=unready.entry)


def test_the_database_calls_nothing_else_an_emergency(now):
    given = live_clearance(now, "score_live", timezone.now())
    fields = {
        field.attname: getattr(given, field.attname)
        for field in Clearance._meta.concrete_fields
        if field.name not in {"id", "entry"}
    }
    until = timezone.now() + timedelta(hours=1)

    with pytest.raises(IntegrityError, match="granted"), transaction.atomic():
        Clearance.objects.create(
            **{**fields, "purpose": "rollback", "is_break_glass": True, "valid_to": until},
            entry=now.entry,
        )


def test_a_gate_report_voids_it(unready, developer, validator, approver):
    change = request_break_glass(unready, 8, CRISIS, by=developer)

    a_report(unready)

    change.refresh_from_db()
    assert change.state == "void"

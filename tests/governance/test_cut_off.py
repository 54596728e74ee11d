"""A new cut-off is a new version of the same bytes: a baseline of its own, measured, and seen by whoever decides."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from governance.actions.changes import approve_change
from governance.actions.evidence import open_comparison
from governance.actions.requests import request_cut_off, request_rollback
from governance.actions.rollbacks import roll_back
from governance.deciding import decide_change
from governance.errors import (
    ComparisonNotOpened,
    DeveloperCannotApprove,
    EvidenceChanged,
    GateNotPassed,
    NotASuccessor,
    NoWayBack,
    RequesterCannotApprove,
    WrongStage,
)
from governance.models import Approval, ChangeRequest, Rollback
from registry.queries import champion, live_clearance
from tests.governance.builders import (
    WHY,
    a_champion,
    a_measured_version,
    a_report,
    in_role,
    read_and_approve,
)
from tests.governance.test_api import decide, get, post
from tests.registry.builders import DECISION_BODY, a_policy, a_version
from tests.serving.builders import an_application

LOWER = 0.35
ASKED = "Losses rose; approve fewer."


@pytest.fixture
def now(developer, validator, approver):
    return a_champion(developer, validator, approver)


def a_successor(now, cut_off=LOWER):
    policy = a_policy("decision", {**DECISION_BODY, "cut_off": cut_off})
    return a_version(run=now.run, decision_policy=policy)


@pytest.fixture
def successor(now):
    """The champion's bytes with a lower cut-off, measured."""
    version = a_successor(now)
    a_report(version)
    return version


def test_the_same_bytes_decide_by_the_new_cut_off_once_two_people_saw_who_flips(
    now, successor, developer, validator, approver, lending
):
    change = request_cut_off(successor, ASKED, by=developer)
    with pytest.raises(ComparisonNotOpened):
        approve_change(change.pk, WHY, by=validator)
    compared = open_comparison(change.pk, by=validator)
    approve_change(change.pk, WHY, by=validator)
    assert champion(now.model) == now

    read_and_approve(change.pk, by=approver)

    clearance = live_clearance(successor, "score_live", timezone.now())
    assert sum(swap.n for swap in compared.swaps) > 0
    assert champion(now.model) == successor
    assert successor.artefact_id == now.artefact_id
    assert successor.baseline_id != now.baseline_id
    assert set(clearance.approver_ids) == {validator.pk, approver.pk}
    assert (change.evidence["cut_off"], change.evidence["champion_cut_off"]) == (
        "0.35",
        repr(now.cut_off),
    )
    answer = post(lending, f"models/{now.model.name}/decisions", **an_application()).json()
    assert (answer["version"], answer["cut_off"]) == (successor.number, LOWER)
    assert roll_back(now.model, "Too few.", by=approver).to_version == now


def test_it_is_measured_for_the_new_cut_off_first(now, developer):
    with pytest.raises(GateNotPassed):
        request_cut_off(a_successor(now), ASKED, by=developer)

    assert not ChangeRequest.objects.filter(kind="cut_off").exists()


def test_what_is_no_successor_takes_the_whole_way(now, developer):
    other = a_measured_version(developer, model=now.model, algorithm="gradient_boosting")
    same = a_successor(now, now.cut_off)
    a_report(same)

    with pytest.raises(NotASuccessor):
        request_cut_off(other, ASKED, by=developer)
    with pytest.raises(NotASuccessor, match="has the champion's cut-off"):
        request_cut_off(same, ASKED, by=developer)
    with pytest.raises(WrongStage):
        request_cut_off(now, ASKED, by=developer)
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


def test_another_champion_voids_it(now, successor, developer, validator, approver):
    change = request_cut_off(successor, ASKED, by=developer)
    a_champion(developer, validator, approver, model=now.model)

    with pytest.raises(EvidenceChanged):
        decide_change(change.pk, "approve", WHY, by=approver)

    change.refresh_from_db()
    assert change.state == "void"


def test_maker_and_requester_decide_nothing(successor, developer, analyst, validator):
    change = request_cut_off(successor, ASKED, by=analyst)
    for person in (developer, analyst):
        person.groups.add(*validator.groups.all())

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=analyst)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)


def test_over_http_and_by_the_button(now, successor, developer, validator, approver, signed_in):
    page = reverse("registry_modelversion_request-cut-off", args=[successor.pk])
    shown = signed_in(developer).get(page)
    signed_in(developer).post(page, {"rationale": ASKED})
    ChangeRequest.objects.get(kind="cut_off")

    again = post(
        developer, "change-requests",
        kind="cut_off", model=now.model.name, version=successor.number, rationale=ASKED,
    )  # fmt: skip

    assert shown.status_code == 200
    assert again.json()["type"].endswith("already-requested")


def test_the_database_grants_it_to_two_and_takes_nothing_from_its_maker(
    successor, developer, validator
):
    change = request_cut_off(successor, ASKED, by=developer)
    in_role(developer, "validator")
    with pytest.raises(IntegrityError, match="maker"), transaction.atomic():
        Approval.objects.create(
            change_request=change, approver=developer, decision="approve",
            seat="governance.decide_staging", rationale=WHY, decided_at=timezone.now(), entry=change.entry,
        )  # fmt: skip
    read_and_approve(change.pk, by=validator)

    with pytest.raises(IntegrityError, match="two seats"), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(
            state="granted", decided_at=timezone.now()
        )


# A rollback that can wait is asked for as well.


@pytest.fixture
def two(now, developer, validator, approver):
    return now, a_champion(developer, validator, approver, model=now.model)


def test_a_rollback_that_can_wait_is_asked_for_by_one_and_decided_by_another(
    two, developer, validator, approver
):
    former, after = two
    asked = post(
        developer,
        "change-requests",
        kind="rollback",
        model=former.model.name,
        rationale="It drifts.",
    ).json()

    decided = decide(approver, asked["id"]).json()

    rollback = Rollback.objects.get()
    assert (asked["version"], asked["awaited"]) == (former.number, ["governance.decide_production"])
    assert decided["state"] == "granted"
    assert (rollback.from_version, rollback.to_version) == (after, former)
    assert rollback.rolled_back_by == approver
    assert champion(former.model) == former
    assert (
        get(approver, f"change-requests/{asked['id']}").json()["evidence"]["champion"]
        == after.number
    )


def test_a_rollback_that_somebody_did_meanwhile_is_void(two, developer, approver):
    change = request_rollback(two[0].model, "It drifts.", by=developer)
    roll_back(two[0].model, "At once.", by=approver)

    with pytest.raises(EvidenceChanged):
        decide_change(change.pk, "approve", WHY, by=approver)

    change.refresh_from_db()
    assert change.state == "void"


def test_who_built_or_asked_does_not_decide_the_way_back(two, developer, analyst, approver):
    change = request_rollback(two[0].model, "It drifts.", by=analyst)
    for person in (developer, analyst):
        person.groups.add(*approver.groups.all())

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=analyst)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)
    with pytest.raises(IntegrityError, match="maker"), transaction.atomic():
        Approval.objects.create(
            change_request=change, approver=analyst, decision="approve",
            seat="governance.decide_production", rationale=WHY, decided_at=timezone.now(), entry=change.entry,
        )  # fmt: skip


def test_where_nothing_can_be_gone_back_to_nothing_is_asked(now, developer):
    with pytest.raises(NoWayBack):
        request_rollback(now.model, "It drifts.", by=developer)

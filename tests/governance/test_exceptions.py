"""Another limit for one check: asked for, signed by others, for a time, and shown for what it is."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.entries import parse
from audit.models import Entry
from audit.queries import service_account
from governance.actions.changes import approve_change, expire_change, request_promotion
from governance.actions.requests import Override, request_exception
from governance.deciding import decide_change
from governance.errors import (
    ChangeMalformed,
    DeveloperCannotApprove,
    EvidenceChanged,
    GateNotPassed,
    RequesterCannotApprove,
)
from governance.gate_policy import read_policy
from governance.models import Approval, ChangeRequest, ThresholdException
from tests.conftest import a_person
from tests.governance.builders import (
    GATES,
    WHY,
    a_check,
    a_gate_policy,
    a_measured_version,
    a_report,
    in_role,
)
from tests.governance.test_api import decide, get, post
from tests.registry.builders import a_model, a_version

CONTROLS = "Every approval above 20,000 is read by a person."
STRICT = [*GATES[:1], a_check("auc", minimum=0.99), *GATES[2:4], a_check("adverse_impact", minimum=0.8, sample="all")]  # fmt: skip


@pytest.fixture
def failed(developer):
    """A version whose AUC is below the policy's limit."""
    a_gate_policy(checks=STRICT)
    version = a_measured_version(developer)
    assert not version.gate_reports.get().passed
    return version


def an_override(**changes):
    fields = {
        "check": "auc", "minimum": 0.74, "maximum": None, "compensating_controls": CONTROLS,
        "expires_on": timezone.now().date() + timedelta(days=30),
    }  # fmt: skip
    return Override(**{**fields, **changes})


def an_exception(version, by, **changes):
    return request_exception(version, an_override(**changes), "The market is thin.", by=by)


def auc_of(report):
    return next(result for result in report.results if result["check"] == "auc")


def test_the_gate_judges_by_the_exception_and_the_report_shows_both_limits(
    failed, developer, approver
):
    change = an_exception(failed, developer)
    approve_change(change.pk, WHY, by=approver)

    report = a_report(failed)

    granted = ThresholdException.objects.get()
    shown = auc_of(report)
    assert report.passed
    assert (shown["status"], shown["threshold"]) == ("pass", "at least 0.74")
    assert shown["policy_threshold"] == "at least 0.99"
    assert shown["exception"] == str(granted.entry_id)
    said = parse(bytes(granted.entry.body))["public"]
    assert (said["check"], said["justification"]) == ("auc", "The market is thin.")
    assert said["compensating_controls"] == CONTROLS
    assert request_promotion(failed, "staging", "Ready.", by=developer).state == "open"


def test_an_exception_is_for_its_version_unless_it_is_for_the_model(failed, developer, approver):
    other = a_version(run=failed.run)
    approve_change(an_exception(failed, developer).pk, WHY, by=approver)

    assert not a_report(other).passed

    approve_change(
        an_exception(other, developer, whole_model=True, minimum=0.7).pk, WHY, by=approver
    )
    assert a_report(a_version(run=failed.run)).passed


def test_it_ends_with_its_day_and_what_passed_by_it_is_not_promoted_any_more(
    failed, developer, approver, clock
):
    today = timezone.now()
    approve_change(an_exception(failed, developer, expires_on=today.date()).pk, WHY, by=approver)
    assert a_report(failed).passed

    clock(today + timedelta(days=1))

    with pytest.raises(GateNotPassed, match="ended"):
        request_promotion(failed, "staging", "Ready.", by=developer)
    assert not a_report(failed).passed


def test_another_policy_ends_it(failed, developer, approver):
    approve_change(an_exception(failed, developer).pk, WHY, by=approver)

    a_gate_policy(checks=STRICT)

    assert not a_report(failed).passed


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"check": "adverse_impact", "minimum": 0.5}, "check", "not_permitted"),
        ({"check": "brier", "maximum": 0.5}, "check", "unknown"),
        ({"minimum": 0.995}, "minimum", "out_of_range"),
        ({"minimum": None}, "minimum", "missing"),
        ({"minimum": float("nan")}, "minimum", "missing"),
        ({"maximum": 1.0}, "maximum", "unexpected"),
        ({"minimum": 0.99}, "check", "unchanged"),
        ({"compensating_controls": " "}, "compensating_controls", "missing"),
        ({"expires_on": timezone.now().date() - timedelta(days=1)}, "expires_on", "out_of_range"),
        ({"expires_on": timezone.now().date() + timedelta(days=400)}, "expires_on", "out_of_range"),
    ],
)
def test_what_cannot_be_excepted_is_refused_by_name(changes, field, problem, failed, developer):
    with pytest.raises(ChangeMalformed) as refused:
        an_exception(failed, developer, **changes)

    assert (field, problem) in {(each.field, each.type) for each in refused.value.errors}
    assert not ChangeRequest.objects.exists()
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (a_check("auc", minimum=0.6), True),
        (a_check("auc", minimum=0.6, overridable=False), False),
        (a_check("adverse_impact", minimum=0.8), False),
        (a_check("adverse_impact", minimum=0.8, overridable=True), True),
        (a_check("elderly_age", maximum=0, from_age=62), False),
        (a_check("reproducibility"), False),
    ],
)
def test_the_policy_says_what_is_overridable_and_fairness_is_not_by_itself(check, expected):
    (one,) = read_policy({"checks": [check]})

    assert one.overridable is expected


def test_a_new_gate_report_voids_the_request(failed, developer, approver):
    change = an_exception(failed, developer)

    a_report(failed)

    change.refresh_from_db()
    assert change.state == "void"


def test_a_new_policy_voids_it_when_it_is_decided(failed, developer, approver):
    change = an_exception(failed, developer)
    a_gate_policy(checks=[*GATES[:1], a_check("auc", minimum=0.98)])

    with pytest.raises(EvidenceChanged):
        decide_change(change.pk, "approve", WHY, by=approver)

    change.refresh_from_db()
    assert change.state == "void"
    assert not ThresholdException.objects.exists()


def test_the_request_expires(failed, developer, clock):
    change = an_exception(failed, developer)
    clock(timezone.now() + timedelta(days=15))

    expire_change(change.pk, by=service_account("monitor"))

    change.refresh_from_db()
    assert change.state == "expired"


def test_maker_and_requester_sign_nothing(failed, developer, analyst, approver):
    change = an_exception(failed, analyst)
    for person in (analyst, developer):
        person.groups.add(*approver.groups.all())

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=analyst)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)

    assert not ThresholdException.objects.exists()


def test_no_developer_of_the_model_excepts_all_of_its_versions(failed, developer, approver):
    other = a_person("dora", "model developer", "approver")
    a_measured_version(other, model=failed.model)
    change = an_exception(failed, developer, whole_model=True)

    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=other)
    with pytest.raises(IntegrityError, match="except all of them"), transaction.atomic():
        Approval.objects.create(
            change_request=change, approver=other, decision="approve",
            seat="governance.decide_exception", rationale=WHY, decided_at=timezone.now(), entry=change.entry,
        )  # fmt: skip
    approve_change(change.pk, WHY, by=approver)


def test_tier_1_takes_a_validator_as_well(developer, validator, approver):
    a_gate_policy(checks=STRICT)
    version = a_measured_version(developer, model=a_model(tier=1))
    change = an_exception(version, developer)

    approve_change(change.pk, WHY, by=approver)
    assert not ThresholdException.objects.exists()
    with pytest.raises(IntegrityError, match="two seats"), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(
            state="granted", decided_at=timezone.now()
        )

    approve_change(change.pk, WHY, by=validator)
    assert ThresholdException.objects.get().check_name == "auc"


def test_over_http_it_is_asked_for_with_its_terms_and_bad_ones_are_named(
    failed, developer, approver
):
    asked = {
        "kind": "exception",
        "model": failed.model.name,
        "version": failed.number,
        "rationale": WHY,
    }
    terms = {
        "check": "auc",
        "minimum": 0.74,
        "expires_on": "2020-01-01",
        "compensating_controls": "",
    }

    late = post(developer, "change-requests", **asked, terms=terms)
    unread = post(developer, "change-requests", **asked, terms={"check": "auc", "why": "me"})
    good = terms | {
        "expires_on": timezone.now().date().isoformat(), "compensating_controls": CONTROLS,
    }  # fmt: skip
    made = post(developer, "change-requests", **asked, terms=good)
    granted = decide(approver, made.json()["id"])
    a_report(failed)
    path = f"models/{failed.model.name}/versions/{failed.number}/gate-reports"
    report = get(approver, path).json()["results"][0]

    assert {each["field"] for each in late.json()["errors"]} == {
        "expires_on",
        "compensating_controls",
    }
    assert unread.status_code == 400
    assert made.status_code == 201
    assert granted.json()["state"] == "granted"
    shown = next(each for each in report["results"] if each["check"] == "auc")
    assert shown["policy_threshold"] == "at least 0.99"
    assert shown["exception"] == str(ThresholdException.objects.get().entry_id)


def test_the_buttons_ask_for_it_and_the_windows_show_both_limits(
    failed, developer, approver, signed_in
):
    fields = {
        "rationale": "The market is thin.", "check": "auc", "minimum": "0.74", "maximum": "",
        "expires_on": timezone.now().date().isoformat(), "compensating_controls": CONTROLS,
    }  # fmt: skip
    asked = signed_in(developer).post(
        reverse("registry_modelversion_request-exception", args=[failed.pk]), fields
    )
    change = ChangeRequest.objects.get()
    page = signed_in(approver).get(reverse("governance_changerequest_approve", args=[change.pk]))
    approve_change(change.pk, WHY, by=approver)
    report = a_report(failed)

    shown = signed_in(approver).get(reverse("admin:governance_gatereport_change", args=[report.pk]))

    assert asked.status_code == 302
    assert CONTROLS in page.content.decode()
    body = shown.content.decode()
    assert f"at least 0.74 by exception {ThresholdException.objects.get().entry_id}" in body
    assert "the policy asks at least 0.99" in body


# What follows goes around the acts: the database refuses it to whoever writes.


@pytest.mark.parametrize("who", ["developer", "analyst"])
def test_the_database_takes_no_approval_from_maker_or_requester(who, failed, analyst, request):
    change = an_exception(failed, analyst)

    holder = in_role(request.getfixturevalue(who), "approver")

    with pytest.raises(IntegrityError, match="maker"), transaction.atomic():
        Approval.objects.create(
            change_request=change, approver=holder, decision="approve",
            seat="governance.decide_exception", rationale=WHY, decided_at=timezone.now(), entry=change.entry,
        )  # fmt: skip


def test_the_database_keeps_no_exception_that_nobody_granted(failed, developer):
    change = an_exception(failed, developer)

    with pytest.raises(IntegrityError, match="granted request"), transaction.atomic():
        ThresholdException.objects.create(
            change_request=change, model=failed.model, version=failed, policy=failed.gate_reports.get().policy,
            check_name="auc", minimum=0.1, justification=WHY, compensating_controls=CONTROLS,
            granted_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1), entry=change.entry,
        )  # fmt: skip

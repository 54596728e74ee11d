"""Owners attest and validators validate again, each in the time that the policy gives the model's tier."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.errors import NotPermitted
from audit.queries import service_account
from governance import sweeps
from governance.actions.attestations import attest_model
from governance.actions.findings import submit_remediation
from governance.actions.revalidations import complete_revalidation, open_revalidation
from governance.errors import (
    AlreadyAttested,
    DeveloperCannotJudge,
    NoOversightPolicy,
    NoSuchRevalidation,
    NotTheOwner,
    RationaleMissing,
    RevalidationAlreadyOpen,
    RevalidationCompleted,
    RevalidationMalformed,
)
from governance.models import Attestation, Revalidation
from governance.queries.oversight import (
    attestations_due,
    overdue_attestations,
    revalidations_due,
    without_oversight,
)
from tests.governance.builders import (
    a_finding,
    a_measured_version,
    an_oversight_policy,
    assert_refused,
    last_entry,
    later,
    said,
)
from tests.registry.builders import a_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]
WORDS = "Entry and use are as recorded."


@pytest.fixture
def policy(db):
    return an_oversight_policy()


def today() -> date:
    return timezone.now().date()


def as_of(day: date) -> datetime:
    return timezone.now() + (day - today())


def test_the_owner_attests_and_the_next_is_due_by_tier(policy, developer, clock):
    model = a_model(owner=developer, tier=1)
    registered = model.created_at.date()
    clock(as_of(date(registered.year + 1, 8, 31)))

    attestation = attest_model(model, WORDS, by=developer)

    assert (attestation.from_on, attestation.to_on) == (
        registered,
        date(registered.year + 1, 8, 31),
    )
    assert attestation.next_due_on == date(
        registered.year + 2, 2, 29 if (registered.year + 2) % 4 == 0 else 28
    )
    entry = last_entry()
    assert entry.event == "governance.model.attested"
    assert said(entry)["policy_sha256"] == policy.sha256


def test_only_the_owner_attests_with_words_and_once_a_day(policy, developer, approver):
    model = a_model(owner=developer)

    with pytest.raises(NotTheOwner):
        attest_model(model, WORDS, by=approver)
    assert_refused("governance.model.attested", "not-the-owner")
    with pytest.raises(RationaleMissing):
        attest_model(model, " ", by=developer)
    assert_refused("governance.model.attested", "rationale-missing")
    assert not Attestation.objects.exists()
    attest_model(model, WORDS, by=developer)
    with pytest.raises(AlreadyAttested):
        attest_model(model, WORDS, by=developer)

    assert Attestation.objects.count() == 1
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Attestation.objects.update(statement="Something else.")


def test_without_an_oversight_policy_nothing_is_attested_and_it_is_said(developer):
    model = a_model(owner=developer)

    with pytest.raises(NoOversightPolicy):
        attest_model(model, WORDS, by=developer)
    sweeps.open_periodic_revalidations()

    assert without_oversight(timezone.now()) == [model]
    assert overdue_attestations(timezone.now()) == []
    assert not Attestation.objects.exists()
    assert not Revalidation.objects.exists()


def test_an_attestation_that_is_late_is_listed_until_it_is_made(policy, developer, clock):
    model = a_model(owner=developer, tier=1)
    a_model(owner=developer, tier=3)
    clock(later(190))

    [(late, _)] = overdue_attestations(timezone.now())
    assert (late, late.owner) == (model, developer)
    attest_model(model, WORDS, by=developer)

    assert overdue_attestations(timezone.now()) == []
    assert dict(attestations_due(timezone.now()))[model] > today()


@pytest.mark.parametrize("due", [attestations_due, revalidations_due])
def test_what_is_due_of_many_models_takes_as_many_queries_as_of_one(
    due, policy, developer, django_assert_num_queries
):
    for name in ("one", "two", "three"):
        attest_model(a_model(name, owner=developer), WORDS, by=developer)

    with django_assert_num_queries(3):
        found = list(due(timezone.now()))

    assert len(found) == 3


@pytest.mark.parametrize(("tier", "months"), [(1, 12), (2, 24), (3, 36)])
def test_a_periodic_revalidation_opens_on_the_day_and_once(tier, months, policy, clock):
    model = a_model(tier=tier)
    registered = model.created_at.date()
    due_on = dict(revalidations_due(timezone.now()))[model]
    assert due_on.year * 12 + due_on.month == registered.year * 12 + registered.month + months
    clock(as_of(due_on - timedelta(days=1)))
    sweeps.open_periodic_revalidations()
    assert not Revalidation.objects.exists()
    clock(as_of(due_on) + timedelta(days=1))

    sweeps.open_periodic_revalidations()
    sweeps.open_periodic_revalidations()

    revalidation = Revalidation.objects.get()
    assert (revalidation.model, revalidation.cause, revalidation.due_on) == (
        model,
        "periodic",
        due_on,
    )
    assert last_entry().event == "governance.revalidation.opened"


def test_a_completed_revalidation_says_when_the_next_is_due(policy, validator, clock):
    model = a_model(tier=2)
    year = today().year + 1
    leap = year + (-year % 4)
    clock(as_of(date(leap, 2, 29)))
    revalidation = open_revalidation(model, "new_use", today(), by=validator)

    complete_revalidation(revalidation.pk, "approved", "Still ranks well.", by=validator)

    revalidation.refresh_from_db()
    assert (revalidation.state, revalidation.completed_by) == ("completed", validator)
    assert revalidation.next_due_on == date(leap + 2, 2, 28)
    assert dict(revalidations_due(timezone.now()))[model] == date(leap + 2, 2, 28)
    entry = last_entry()
    assert entry.event == "governance.revalidation.completed"
    assert (said(entry)["tier"], said(entry)["next_due_on"]) == (2, f"{leap + 2}-02-28")


def test_a_revalidation_is_opened_once_for_each_cause(policy, validator, developer):
    model = a_model()
    open_revalidation(model, "tier_change", today(), by=validator)

    with pytest.raises(RevalidationAlreadyOpen):
        open_revalidation(model, "tier_change", today(), by=validator)
    assert_refused("governance.revalidation.opened", "revalidation-already-open")
    with pytest.raises(RevalidationMalformed):
        open_revalidation(model, "boredom", today(), by=validator)
    assert_refused("governance.revalidation.opened", "revalidation-malformed")
    with pytest.raises(NotPermitted):
        open_revalidation(model, "new_use", today(), by=developer)
    open_revalidation(model, "breach_alert", today(), by=service_account("monitor"))

    assert Revalidation.objects.count() == 2


def test_whoever_developed_a_version_completes_no_revalidation(policy, developer, validator):
    developer.groups.add(Group.objects.get(name="validator"))
    model = a_measured_version(developer).model
    revalidation = open_revalidation(model, "new_use", today(), by=validator)

    with pytest.raises(DeveloperCannotJudge):
        complete_revalidation(revalidation.pk, "approved", "Mine is fine.", by=developer)
    assert_refused("governance.revalidation.completed", "developer-cannot-judge")
    with pytest.raises(IntegrityError, match="whoever developed"), transaction.atomic():
        Revalidation.objects.update(
            state="completed", outcome="approved", summary="Mine.", completed_by=developer,
            completed_at=timezone.now(), next_due_on=today(),
        )  # fmt: skip

    revalidation.refresh_from_db()
    assert revalidation.state == "open"


def test_a_completion_that_is_refused_leaves_the_revalidation_open(policy, validator):
    revalidation = open_revalidation(a_model(), "new_use", today(), by=validator)

    with pytest.raises(RevalidationMalformed):
        complete_revalidation(revalidation.pk, "wonderful", "It is.", by=validator)
    assert_refused("governance.revalidation.completed", "revalidation-malformed")
    with pytest.raises(RationaleMissing):
        complete_revalidation(revalidation.pk, "approved", "", by=validator)
    assert_refused("governance.revalidation.completed", "rationale-missing")
    with pytest.raises(NoSuchRevalidation):
        complete_revalidation(uuid4(), "approved", "Which?", by=validator)
    revalidation.refresh_from_db()
    assert revalidation.state == "open"

    complete_revalidation(revalidation.pk, "rejected", "It no longer ranks.", by=validator)
    with pytest.raises(RevalidationCompleted):
        complete_revalidation(revalidation.pk, "approved", "It does.", by=validator)
    with pytest.raises(IntegrityError, match="completed"), transaction.atomic():
        Revalidation.objects.update(outcome="approved")


def test_a_revalidation_is_not_completed_where_nothing_says_when_the_next_is_due(validator):
    revalidation = open_revalidation(a_model(), "new_use", today(), by=validator)

    with pytest.raises(NoOversightPolicy):
        complete_revalidation(revalidation.pk, "approved", "Fine.", by=validator)

    revalidation.refresh_from_db()
    assert revalidation.state == "open"


def test_the_desk_shows_open_findings_and_what_is_late_for_whom(
    policy, developer, validator, lending, signed_in, clock
):
    model = a_model(owner=developer, tier=1)
    a_finding(developer, validator, model, title="The label leaks")
    a_finding(developer, validator, model, severity="low", title="A typo")
    finding = a_finding(developer, validator, model, severity="critical", title="No data")
    submit_remediation(finding.pk, "There is data now.", by=developer)
    open_revalidation(model, "new_use", later(3).date(), by=validator)
    clock(later(400))

    desk = signed_in(validator).get("/").content.decode()

    assert "1 critical, 1 high, 1 low" in desk
    assert desk.index("No data") < desk.index("The label leaks") < desk.index("A typo")
    assert "critical, remediated, opened 400 d 0 h ago, for dana" in desk
    assert "400 days late" in desk
    assert f"Attestation: {model}" in desk
    assert "Revalidation: " in desk
    assert "397 days late" in desk
    assert "The label leaks" not in signed_in(lending).get("/").content.decode()


def test_the_desk_says_where_nothing_has_a_due_date(validator, signed_in):
    model = a_model()

    desk = signed_in(validator).get("/").content.decode()

    assert f"No oversight policy is in force for {model}" in desk

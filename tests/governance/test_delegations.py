"""A seat can be lent for a while; nobody gets past maker and checker by that, whichever door they take."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from audit.errors import NotPermitted
from audit.ids import uuid7
from audit.models import Entry
from governance.actions.changes import approve_change, reject_change, request_promotion
from governance.actions.delegations import delegate_seat, end_delegation
from governance.errors import (
    ApprovedAlready,
    DelegateApproved,
    DelegationEnded,
    DelegationMalformed,
    DelegatorCannotApprove,
    DeveloperCannotApprove,
    NotYourDelegation,
    RationaleMissing,
    RequesterCannotApprove,
    SeatNotHeld,
    ValidatorCannotApprove,
)
from governance.models import Approval, ChangeRequest, Delegation, DelegationEnd
from governance.queries.changes import changes_awaiting
from governance.quorum import ALL_SEATS, SEATS, SEATS_OF_POLICY, SEATS_OF_TIER
from registry.models import Clearance
from registry.queries import champion
from tests.conftest import a_person
from tests.governance.builders import WHY, a_measured_version, a_request, a_staged_version
from tests.governance.test_api import decide, get, post
from tests.governance.test_findings import assert_refused, last_entry, later, said
from tests.registry.builders import a_model

pytestmark = pytest.mark.django_db
STAGING, PRODUCTION = "governance.decide_staging", "governance.decide_production"


def lent(seat: str, by: User, to: User, **times: Any) -> Delegation:
    return delegate_seat(seat, to, "On leave.", **{"valid_to": later(10), **times}, by=by)


@pytest.fixture
def tier_1(developer, validator) -> ChangeRequest:
    """A tier 1 version that the validator cleared for staging, asked into production."""
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    return a_request(developer, version, "production")


@pytest.fixture
def vera(db: None) -> User:
    return a_person("vera", "validator")


def test_a_delegate_takes_the_seat_in_their_own_name_and_it_is_said_whose_it_was(
    developer, validator, approver
):
    change = a_request(developer)
    delegation = lent(STAGING, validator, approver)
    assert changes_awaiting(approver) == [change]

    approve_change(change.pk, WHY, by=approver)

    approval = Approval.objects.get()
    assert (approval.approver, approval.seat, approval.delegation) == (
        approver, STAGING, delegation,
    )  # fmt: skip
    entry = Entry.objects.get(pk=approval.entry_id)
    assert (said(entry)["delegator"], said(entry)["delegation"]) == ("victor", str(delegation.pk))
    assert Clearance.objects.get(purpose="score_shadow").approver_ids == [approver.pk]
    change.refresh_from_db()
    assert change.version.stage == "staging"


def test_a_delegation_is_recorded_with_its_end_and_never_changed(validator, approver):
    delegation = lent(STAGING, validator, approver)

    entry = last_entry()
    assert (entry.event, said(entry)["delegate"]) == ("governance.seat.delegated", "amira")
    for write in (
        lambda: Delegation.objects.update(valid_to=later(1000)),
        lambda: delegation.delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            write()


def test_only_a_seat_that_one_holds_is_lent_to_somebody_else_who_decides_for_a_while(
    validator, approver, developer, vera
):
    def problems(*args: Any, **changes: Any) -> set[str]:
        with pytest.raises(DelegationMalformed) as refusal:
            lent(*args, **changes)
        assert_refused("governance.seat.delegated", "delegation-malformed")
        return {problem.field for problem in refusal.value.errors}

    with pytest.raises(SeatNotHeld):
        lent(PRODUCTION, validator, approver)
    assert_refused("governance.seat.delegated", "seat-not-held")
    with pytest.raises(NotPermitted):
        lent(STAGING, developer, approver)
    with pytest.raises(RationaleMissing):
        delegate_seat(STAGING, approver, " ", later(1), by=validator)
    assert problems("governance.sit", validator, approver) == {"seat"}
    assert problems(STAGING, validator, validator) == {"delegate"}
    assert problems(STAGING, validator, vera) == {"delegate"}
    assert problems(STAGING, validator, developer) == {"delegate"}
    assert problems("governance.decide_policy", approver, validator) == {"delegate"}
    assert problems(STAGING, validator, approver, valid_to=later(91)) == {"valid_to"}
    assert problems(STAGING, validator, approver, valid_from=later(-1)) == {"valid_from"}
    assert problems(STAGING, validator, approver, valid_to=later(-1)) == {"valid_to"}

    assert not Delegation.objects.exists()


def test_a_delegation_counts_in_its_time_until_it_is_ended_and_while_its_seat_is_held(
    developer, validator, approver, clock
):
    change = a_request(developer)

    def is_turned_away() -> bool:
        assert changes_awaiting(approver) == []
        with pytest.raises(NotPermitted):
            approve_change(change.pk, WHY, by=approver)
        return True

    future = lent(STAGING, validator, approver, valid_from=later(5))
    assert is_turned_away()
    ended = lent(STAGING, validator, approver)
    end_delegation(ended.pk, "Back early.", by=validator)
    assert is_turned_away()
    clock(later(6))
    assert changes_awaiting(approver) == [change]
    validator.groups.clear()
    with pytest.raises(DelegatorCannotApprove):
        approve_change(change.pk, WHY, by=approver)
    validator.groups.add(Group.objects.get(name="validator"))
    clock(future.valid_to)
    assert is_turned_away()

    assert not Approval.objects.exists()


def test_what_was_lent_is_not_passed_on(developer, validator, approver, vera):
    lent(PRODUCTION, approver, validator)

    with pytest.raises(SeatNotHeld):
        lent(PRODUCTION, validator, vera)

    assert Delegation.objects.count() == 1


def test_either_side_ends_a_delegation_once_and_nobody_else(validator, approver, vera):
    delegation = lent(STAGING, validator, approver)

    with pytest.raises(NotYourDelegation):
        end_delegation(delegation.pk, "I think so.", by=vera)
    assert_refused("governance.delegation.ended", "not-your-delegation")
    with pytest.raises(RationaleMissing):
        end_delegation(delegation.pk, "", by=approver)
    end_delegation(delegation.pk, "Too much to do.", by=approver)
    with pytest.raises(DelegationEnded):
        end_delegation(delegation.pk, "Again.", by=validator)

    assert DelegationEnd.objects.get().revoked_by == approver


def test_neither_maker_nor_requester_decides_as_a_delegate(developer, validator, approver):
    both = a_person("both", "model developer", "approver")
    lent(STAGING, validator, both)

    with pytest.raises(RequesterCannotApprove):
        approve_change(a_request(both, a_measured_version(developer)).pk, WHY, by=both)
    change = request_promotion(a_measured_version(both), "staging", WHY, by=developer)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=both)
    assert both not in [approval.approver for approval in Approval.objects.all()]


def test_nobody_approves_through_a_delegate_what_they_made_or_asked_for(developer, approver):
    both = a_person("both", "model developer", "validator")
    lent(STAGING, both, approver)
    asked = a_request(both, a_measured_version(developer))
    made = request_promotion(a_measured_version(both), "staging", WHY, by=developer)

    for change in (asked, made):
        with pytest.raises(DelegatorCannotApprove):
            approve_change(change.pk, WHY, by=approver)
        assert_refused("governance.change.approved", "delegator-cannot-approve")
        with pytest.raises(DelegatorCannotApprove):
            reject_change(change.pk, WHY, by=approver)

    assert changes_awaiting(approver) == []
    assert not Approval.objects.exists()


def test_who_cleared_staging_themselves_or_through_a_delegate_takes_no_part_in_production(
    developer, validator, approver
):
    version = a_measured_version(developer)
    staging = a_request(developer, version)
    lent(STAGING, validator, approver)
    approve_change(staging.pk, WHY, by=approver)
    validator.groups.add(Group.objects.get(name="approver"))
    asked = a_request(developer, version, "production")
    other = a_person("otto", "validator")
    lent(PRODUCTION, validator, other)

    with pytest.raises(DelegateApproved):
        approve_change(asked.pk, WHY, by=validator)
    with pytest.raises(ValidatorCannotApprove):
        approve_change(asked.pk, WHY, by=approver)
    with pytest.raises(DelegatorCannotApprove):
        approve_change(asked.pk, WHY, by=other)

    asked.refresh_from_db()
    assert (asked.state, champion(version.model)) == ("open", None)


def test_one_person_takes_no_two_seats_through_delegations(tier_1, vera, approver):
    olga = a_person("olga", "approver")
    lent(STAGING, vera, olga)
    approve_change(tier_1.pk, WHY, by=approver)
    approve_first = Approval.objects.get(change_request=tier_1)
    assert approve_first.seat == PRODUCTION
    lent(STAGING, vera, approver)

    with pytest.raises(ApprovedAlready):
        approve_change(tier_1.pk, WHY, by=approver)
    approve_change(tier_1.pk, WHY, by=olga)

    tier_1.refresh_from_db()
    assert tier_1.state == "granted"
    assert set(tier_1.approvals.values_list("approver__username", "delegation__delegator__username")) == {
        ("amira", None), ("olga", "vera"),
    }  # fmt: skip


def test_the_two_seats_of_tier_1_are_not_lent_by_one_person(tier_1):
    """Both delegates hold no seat of this change themselves: they decide about policies and revocations alone."""
    wanda = a_person("wanda", "validator", "approver")
    group = Group.objects.create(name="committee")
    group.permissions.set(
        Group.objects.get(name="approver").permissions.exclude(codename="decide_production")
    )
    for name in ("first", "second"):
        a_person(name, "committee")
    first, second = User.objects.filter(username__in=["first", "second"]).order_by("username")
    lent(STAGING, wanda, first)
    lent(PRODUCTION, wanda, second)
    approve_change(tier_1.pk, WHY, by=first)

    with pytest.raises(DelegatorCannotApprove):
        approve_change(tier_1.pk, WHY, by=second)
    with pytest.raises(DelegateApproved):
        approve_change(tier_1.pk, WHY, by=wanda)

    tier_1.refresh_from_db()
    assert tier_1.state == "open"


def test_over_http_and_in_the_admin_the_same_rules_hold(
    developer, validator, approver, signed_in, auditor
):
    both = a_person("both", "model developer", "validator")
    change = a_request(both, a_measured_version(developer))

    made = post(
        both, "delegations", seat=STAGING, delegate="amira", reason="On leave.",
        valid_to=later(10).isoformat(),
    )  # fmt: skip
    refused = decide(approver, str(change.pk))
    page = reverse("governance_changerequest_approve", args=[change.pk])
    pressed = signed_in(approver).post(page, {"rationale": WHY})

    assert (made.status_code, made.json()["delegator"]) == (201, "both")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/delegator-cannot-approve")  # fmt: skip
    assert pressed.status_code == 403
    assert not Approval.objects.exists()
    lending = reverse("governance_delegation_delegate")
    sent = {"seat": STAGING, "delegate": "amira", "until": str(later(3).date()), "reason": "Leave."}
    assert signed_in(validator).post(lending, sent).status_code == 302
    done = decide(approver, str(change.pk))
    assert done.json()["approvals"][0]["delegator"] == "victor"
    window = reverse("admin:governance_changerequest_change", args=[change.pk])
    assert f"{STAGING} of victor to amira" in signed_in(auditor).get(window).content.decode()
    end = f"delegations/{made.json()['id']}/end"
    assert post(validator, end, reason="Mine?").status_code == 403
    assert post(both, end, reason="Back.").json()["ended_at"]
    assert get(auditor, "delegations").json()["count"] == 2
    assert post(developer, "delegations", seat=STAGING, delegate="amira", reason="x", valid_to=later(1).isoformat()).status_code == 403  # fmt: skip


# What follows goes around the acts: the database refuses it to whoever writes.


def written(change: ChangeRequest, approver: User, **fields: Any) -> None:
    """An approval straight into the table, through the ORM and past the acts."""
    values = {
        "decision": "approve", "seat": STAGING, "delegation": None, "rationale": WHY,
        "decided_at": timezone.now(), **fields,
    }  # fmt: skip
    entry = Entry.objects.order_by("-id").first()
    Approval.objects.create(change_request=change, approver=approver, entry=entry, **values)


def is_refused(why: str, change: ChangeRequest, approver: User, **fields: Any) -> bool:
    with pytest.raises(IntegrityError, match=why), transaction.atomic():
        written(change, approver, **fields)
    return True


def test_the_database_takes_an_approval_only_from_who_holds_the_seat(
    developer, validator, approver, operator
):
    change = a_request(developer)

    assert is_refused("does not hold the seat", change, operator)
    assert is_refused("does not hold the seat", change, approver)
    validator.is_active = False
    validator.save()
    assert is_refused("does not hold the seat", change, validator)
    assert is_refused("decides about no changes", change, operator, decision="reject", seat=None)
    assert is_refused("another kind of change", change, approver, seat=PRODUCTION)
    operator.is_superuser = True
    operator.save()
    assert is_refused("does not hold the seat", change, operator)
    validator.is_active = True
    validator.save()

    written(change, validator)

    assert Approval.objects.get().approver == validator


def test_raw_sql_gets_no_further(developer, operator, validator):
    change = a_request(developer)
    key = ChangeRequest._meta.pk.get_db_prep_value(change.pk, connection)
    entry = Entry.objects.order_by("-id").first()
    columns = "change_request_id, approver_id, decision, seat, rationale, decided_at, entry_id"

    def insert(person: User) -> None:
        values = [
            key, person.pk, "approve", STAGING, WHY,
            connection.ops.adapt_datetimefield_value(timezone.now()),
            Entry._meta.pk.get_db_prep_value(entry.pk, connection),
        ]  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO governance_approval ({columns}) VALUES ({', '.join(['%s'] * 7)})",
                values,
            )

    with pytest.raises(IntegrityError, match="does not hold the seat"), transaction.atomic():
        insert(operator)
    insert(validator)

    assert Approval.objects.get().approver == validator


def test_the_database_looks_through_a_delegation_at_who_gave_it(
    developer, validator, approver, vera, clock
):
    both = a_person("both", "model developer", "validator")
    change = a_request(both, a_measured_version(developer))
    by_maker = lent(STAGING, both, approver)
    to_other = lent(STAGING, validator, a_person("olga", "approver"))
    other_seat = lent(PRODUCTION, approver, vera)
    future = lent(STAGING, validator, approver, valid_from=later(5))
    ended = lent(STAGING, validator, approver)
    end_delegation(ended.pk, "Back.", by=validator)

    assert is_refused("have it decided", change, approver, delegation=by_maker)
    for delegation in (to_other, other_seat, future, ended):
        assert is_refused("nobody who holds the seat", change, approver, delegation=delegation)
    good = lent(STAGING, validator, approver)
    validator.groups.clear()
    assert is_refused("nobody who holds the seat", change, approver, delegation=good)
    validator.groups.add(Group.objects.get(name="validator"))
    written(change, approver, delegation=good)


def test_the_database_counts_delegator_and_delegate_as_one(tier_1, vera, approver, validator):
    vera.groups.add(Group.objects.get(name="approver"))
    written(tier_1, approver, delegation=lent(STAGING, vera, approver), seat=STAGING)

    assert is_refused("one person stands behind", tier_1, vera, seat=PRODUCTION)
    other = a_person("otto", "validator")
    second = lent(PRODUCTION, vera, other)
    assert is_refused("one person stands behind", tier_1, other, seat=PRODUCTION, delegation=second)
    validator.groups.add(Group.objects.get(name="approver"))
    cleared_it = lent(PRODUCTION, validator, other)
    assert is_refused(
        "one person stands behind", tier_1, other, seat=PRODUCTION, delegation=cleared_it
    )


def test_the_database_lends_nobody_a_seat_that_the_lender_does_not_hold(developer, approver, vera):
    entry = a_request(developer).entry
    fields = {
        "valid_from": timezone.now(), "valid_to": later(1), "reason": WHY, "entry": entry,
    }  # fmt: skip

    for delegator, delegate, seat, why in (
        (developer, approver, STAGING, "only who holds a seat"),
        (vera, approver, PRODUCTION, "only who holds a seat"),
        (vera, vera, STAGING, "nobody_delegates_to_themselves"),
    ):
        with pytest.raises(IntegrityError, match=why), transaction.atomic():
            Delegation.objects.create(
                pk=uuid7(), delegator=delegator, delegate=delegate, seat=seat, **fields
            )
    delegation = lent(STAGING, vera, approver)
    with pytest.raises(IntegrityError, match="somebody else lent"), transaction.atomic():
        DelegationEnd.objects.create(
            delegation=delegation, reason=WHY, revoked_by=developer, revoked_at=timezone.now(),
            entry=entry,
        )  # fmt: skip


def test_every_seat_of_the_quorum_can_be_lent():
    taken = [*SEATS.values(), *SEATS_OF_TIER.values(), *SEATS_OF_POLICY.values()]

    assert set(ALL_SEATS) == {seat for seats in taken for seat in seats}

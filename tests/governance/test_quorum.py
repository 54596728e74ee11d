"""A tier 1 model enters production on the word of a validator and an approver, whoever comes first."""

from urllib.parse import quote

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.actions.erasures import dispute_erasure_case
from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from audit.weighing import ERASED_UNDER
from governance.actions.changes import approve_change, reject_change
from governance.errors import (
    AlreadyDecided,
    ApprovedAlready,
    DeveloperCannotApprove,
    RequesterCannotApprove,
    ValidatorCannotApprove,
)
from governance.models import Approval, ChangeRequest
from governance.queries.changes import changes_awaiting, seats_awaited
from governance.quorum import (
    ALL_SEATS,
    BOTH,
    LAW_AND_PRIVACY,
    REASON_TEXTS,
    SEATS,
    SEATS_OF_POLICY,
    SEATS_OF_TIER,
    seats,
)
from registry.models import Clearance
from registry.queries import champion, live_clearance
from tests.audit.people import a_case
from tests.conftest import a_person
from tests.governance.builders import GATES, WHY, a_request, a_staged_version, approve_at_once
from tests.governance.test_api import decide, get
from tests.registry.builders import a_model, a_policy, a_version


@pytest.fixture
def vera(db):
    """A second validator: the first cleared the version for staging."""
    return a_person("vera", "validator")


@pytest.fixture
def asked(developer, validator):
    """A tier 1 version asked into production."""
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    return a_request(developer, version, "production")


def test_the_first_approval_leaves_the_request_open_and_the_second_makes_the_champion(
    asked, validator, vera, approver
):
    approve_change(asked.pk, WHY, by=approver)

    asked.refresh_from_db()
    assert asked.state == "open"
    assert champion(asked.version.model) is None
    assert seats_awaited(asked) == ["governance.decide_staging"]
    assert not Clearance.objects.filter(purpose="score_live").exists()

    approve_change(asked.pk, WHY, by=vera)

    asked.refresh_from_db()
    now = champion(asked.version.model)
    clearance = live_clearance(now, "score_live", timezone.now())
    assert asked.state == "granted"
    assert now == asked.version
    assert set(clearance.approver_ids) == {validator.pk, vera.pk, approver.pk}
    said = [
        parse(bytes(entry.body))["public"]
        for entry in Entry.objects.filter(
            event="governance.change.approved", subject_id=str(asked.pk)
        ).order_by("id")
    ]
    assert [(one["seat"], one["awaited"]) for one in said] == [
        ("governance.decide_production", ["governance.decide_staging"]),
        ("governance.decide_staging", []),
    ]


def test_one_person_with_both_roles_takes_one_seat(asked, vera, approver):
    vera.groups.add(*approver.groups.all())
    approve_change(asked.pk, WHY, by=vera)

    with pytest.raises(ApprovedAlready):
        approve_change(asked.pk, WHY, by=vera)

    asked.refresh_from_db()
    assert asked.state == "open"
    assert Approval.objects.get(change_request=asked).seat == "governance.decide_staging"
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


def test_two_of_the_same_role_are_no_quorum(asked, vera, approver):
    approve_change(asked.pk, WHY, by=approver)

    with pytest.raises(NotPermitted):
        approve_change(asked.pk, WHY, by=a_person("andrea", "approver"))

    asked.refresh_from_db()
    assert asked.state == "open"


def test_who_asked_built_or_cleared_staging_takes_no_seat(developer, validator, vera):
    version = a_staged_version(developer, validator, model=a_model(tier=1))
    asker = a_person("omar", "model developer", "validator")
    asked = a_request(asker, version, "production")
    developer.groups.add(*vera.groups.all())

    with pytest.raises(RequesterCannotApprove):
        approve_change(asked.pk, WHY, by=asker)
    with pytest.raises(DeveloperCannotApprove):
        approve_change(asked.pk, WHY, by=developer)
    with pytest.raises(ValidatorCannotApprove):
        approve_change(asked.pk, WHY, by=validator)

    assert not Approval.objects.filter(change_request=asked).exists()


def test_the_second_may_still_reject(asked, vera, approver):
    approve_change(asked.pk, WHY, by=approver)

    reject_change(asked.pk, "The holdout is too small.", by=vera)

    asked.refresh_from_db()
    assert asked.state == "rejected"
    assert champion(asked.version.model) is None
    with pytest.raises(AlreadyDecided):
        approve_change(asked.pk, WHY, by=a_person("viola", "validator"))


def test_a_request_waits_on_the_desk_of_those_whose_seat_is_free(asked, validator, vera, approver):
    assert [changes_awaiting(person) for person in (vera, approver)] == [[asked], [asked]]

    approve_change(asked.pk, WHY, by=approver)

    assert changes_awaiting(vera) == [asked]
    assert changes_awaiting(approver) == []
    assert changes_awaiting(validator) == []


def test_over_http_the_answer_says_whose_approval_is_awaited(asked, vera, approver):
    first = decide(vera, asked.pk).json()
    second = decide(approver, asked.pk).json()

    assert (first["state"], first["awaited"]) == ("open", ["governance.decide_production"])
    assert (second["state"], second["awaited"]) == ("granted", [])
    approvals = get(vera, f"change-requests/{asked.pk}").json()["approvals"]
    assert {one["approver"]: one["seat"] for one in approvals} == {
        "vera": "governance.decide_staging",
        "amira": "governance.decide_production",
    }


def test_as_of_a_time_between_the_two_the_second_approval_is_awaited(asked, vera, approver):
    decide(vera, asked.pk)
    between = timezone.now()
    decide(approver, asked.pk)

    told = get(vera, f"change-requests/{asked.pk}?as_of={quote(between.isoformat())}").json()

    assert (told["state"], told["awaited"]) == ("open", ["governance.decide_production"])
    assert [one["approver"] for one in told["approvals"]] == ["vera"]


@pytest.mark.parametrize("tier", [2, 3])
def test_the_other_tiers_take_one_approval_beside_the_staging_one(tier):
    assert seats("promotion", "production", tier) == ("governance.decide_production",)


def test_a_change_of_no_known_kind_has_no_quorum_rather_than_an_empty_one():
    with pytest.raises(KeyError):
        seats("whim", "", 1)


# What follows goes around the acts: the database refuses it to whoever writes.


def test_the_database_grants_nothing_while_a_seat_of_the_policy_is_free(asked, approver):
    two = {key: taken for key, taken in (SEATS | SEATS_OF_TIER).items() if len(taken) > 1}
    assert two == {
        ("break_glass", ""): BOTH,
        ("cut_off", "production"): BOTH,
        ("erasure", ""): LAW_AND_PRIVACY,
        (1, "promotion", "production"): BOTH,
        (1, "rollout", ""): BOTH,
        (1, "exception", ""): ("governance.decide_staging", "governance.decide_exception"),
    }, "The triggers quorum_of_tier and quorum_of_kind hold these: change both."
    assert SEATS_OF_POLICY == {"reason_library": REASON_TEXTS}, "quorum_of_kind: change both."
    approve_change(asked.pk, WHY, by=approver)

    with pytest.raises(IntegrityError, match="tier 1"), transaction.atomic():
        ChangeRequest.objects.filter(pk=asked.pk).update(state="granted", decided_at=timezone.now())


@pytest.mark.parametrize(
    ("decision", "seat", "why"),
    [
        ("approve", None, "takes a seat"),
        ("reject", "governance.decide_staging", "takes a seat"),
        # By another person, to whom nothing else stands in the way.
        ("approve", "governance.decide_production", "UNIQUE|unique"),
    ],
)
def test_the_database_gives_a_seat_to_one_who_approves_and_once(
    decision, seat, why, asked, vera, approver
):
    approve_change(asked.pk, WHY, by=approver)
    vera.groups.add(*approver.groups.all())

    with pytest.raises(IntegrityError, match=why), transaction.atomic():
        Approval.objects.create(
            change_request=asked, approver=vera, decision=decision, seat=seat, rationale=WHY,
            decided_at=timezone.now(), entry=asked.entry,
        )  # fmt: skip


@pytest.mark.parametrize(("kind", "target"), SEATS)
def test_the_database_refuses_a_seat_of_another_kind(
    kind, target, developer, analyst, privacy_officer
):
    change = an_open_change(kind, target, developer, analyst, privacy_officer)
    own = {
        seat
        for asked, taken in (*SEATS.items(), *((key[1:], of) for key, of in SEATS_OF_TIER.items()))
        if asked == (kind, target)
        for seat in taken
    }
    able = a_person("able", "validator", "approver", "privacy officer", "legal counsel")
    row = Approval(
        change_request=change, approver=able, decision="approve", rationale=WHY,
        decided_at=timezone.now(), entry=change.entry,
    )  # fmt: skip

    for seat in set(ALL_SEATS) - own:
        row.seat = seat
        with pytest.raises(IntegrityError, match="another kind"), transaction.atomic():
            row.save(force_insert=True)

    row.seat = own.pop()
    row.save(force_insert=True)
    assert change.approvals.get().seat == row.seat


def an_open_change(kind, target, developer, asker, recorder):
    """A bare row of that kind, by somebody who decides nothing."""
    change = ChangeRequest(
        kind=kind, target=target, evidence={}, evidence_digest="0" * 64, requested_by=asker, rationale=WHY,
        requested_at=timezone.now(), expires_at=timezone.now(),
    )  # fmt: skip
    if kind == "policy":
        change.policy = a_policy("gate", {"checks": GATES}, adopted=False)
        change.made_by = change.policy.proposed_by
    elif kind == "erasure":
        change.erasure_case, change.made_by = a_case(recorder), recorder
        dispute_erasure_case(change.erasure_case.pk, "person", ERASED_UNDER, WHY, by=recorder)
    else:
        change.version, change.made_by = a_version(developed_by=developer), developer
    change.entry = Entry.objects.latest("id")
    change.save(force_insert=True)
    return change


def test_two_approvals_at_the_same_instant_make_one_champion(own_database):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite writes one transaction at a time")
    dana, victor = a_person("dana", "model developer"), a_person("victor", "validator")
    people = [a_person("vera", "validator"), a_person("amira", "approver")]
    people += [a_person("viola", "validator"), a_person("andrea", "approver")]
    version = a_staged_version(dana, victor, model=a_model(tier=1))
    change = a_request(dana, version, "production")

    refused = approve_at_once(change, people)

    change.refresh_from_db()
    assert change.state == "granted"
    assert len(refused) == 2
    assert set(change.approvals.values_list("seat", flat=True)) == {
        "governance.decide_staging",
        "governance.decide_production",
    }
    assert Clearance.objects.filter(version=version, purpose="score_live").count() == 1
    assert champion(version.model) == version

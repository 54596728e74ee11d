"""Policies: written by one person, adopted by another."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from audit.errors import InvalidInput, NotPermitted
from audit.models import Entry
from registry.actions.policies import (
    adopt_policy,
    endorse_policy,
    propose_policy,
    reject_policy,
)
from registry.errors import (
    ApproverIsProposer,
    NotEndorsed,
    PolicyMalformed,
    PolicyNotProposed,
)
from registry.models import Policy, PolicyEndorsement
from registry.queries import policy_in_force
from tests.registry.builders import DECISION_BODY, a_policy, the_second_checker

LastEntry = Callable[[], dict[str, Any]]


def test_a_proposed_policy_applies_to_nothing(builder: User, last_entry: LastEntry) -> None:
    policy = a_policy(name="cut-off", adopted=False)

    assert policy.status == "proposed"
    assert policy_in_force("decision", "cut-off", timezone.now()) is None
    entry = last_entry()
    assert entry["event"] == "registry.policy.proposed"
    assert entry["subject"]["id"] == "decision/cut-off/1"
    assert entry["public"]["body"]["cut_off"] == repr(DECISION_BODY["cut_off"])


def test_an_adopted_policy_applies_and_ends_the_one_before(
    builder: User, last_entry: LastEntry
) -> None:
    first = a_policy(name="cut-off")
    second = a_policy(body={**DECISION_BODY, "max_reasons": 2}, name="cut-off")

    first.refresh_from_db()
    assert (second.version, second.status) == (2, "approved")
    assert first.status == "superseded"
    assert policy_in_force("decision", "cut-off", timezone.now()) == second
    assert first.effective_to is not None
    just_before = first.effective_to - timedelta(microseconds=1)
    assert policy_in_force("decision", "cut-off", just_before) == first
    assert last_entry()["public"]["replaces"] == 1


def test_a_policy_adopted_for_later_leaves_the_present_one_in_force(
    builder: User, checker: User
) -> None:
    first = a_policy(name="cut-off")
    begins = timezone.now() + timedelta(days=30)
    second = propose_policy(
        "decision", "cut-off", DECISION_BODY, by=builder, rationale="Next month.", effective_from=begins
    )  # fmt: skip
    adopt_policy(second, by=checker, rationale="Agreed.")

    assert policy_in_force("decision", "cut-off", timezone.now()) == first
    assert policy_in_force("decision", "cut-off", begins) == second


def test_nobody_adopts_or_rejects_a_policy_they_proposed(builder: User) -> None:
    policy = a_policy(adopted=False)

    for act in (adopt_policy, reject_policy):
        with pytest.raises(ApproverIsProposer):
            act(policy, by=builder, rationale="Looks fine to me.")

    policy.refresh_from_db()
    assert policy.status == "proposed"
    assert Entry.objects.order_by("-id")[0].event == "audit.action_refused"


def test_the_database_refuses_an_approver_who_is_the_proposer(builder: User) -> None:
    policy = a_policy(adopted=False)

    with pytest.raises(IntegrityError):
        Policy.objects.filter(pk=policy.pk).update(
            status="approved", approved_by=builder, approved_at=timezone.now()
        )


def test_a_rejected_policy_stays_rejected(checker: User, last_entry: LastEntry) -> None:
    policy = a_policy(adopted=False)

    reject_policy(policy, by=checker, rationale="The cut-off is too high.")

    with pytest.raises(PolicyNotProposed):
        adopt_policy(policy, by=checker, rationale="On second thoughts.")
    policy.refresh_from_db()
    assert policy.status == "rejected"


def test_a_policy_at_fault_is_refused_field_by_field(builder: User) -> None:
    body = {**DECISION_BODY, "cut_off": 2, "max_reasons": 9}

    with pytest.raises(PolicyMalformed) as refusal:
        propose_policy("decision", "cut-off", body, by=builder, rationale="No.")

    assert {problem.field for problem in refusal.value.errors} == {
        "body.cut_off",
        "body.max_reasons",
    }
    assert not Policy.objects.exists()


def test_a_policy_that_cannot_be_recorded_is_refused(builder: User) -> None:
    with pytest.raises(PolicyMalformed):
        propose_policy("gate", "gates", {"größe": 1}, by=builder, rationale="No.")


def test_a_policy_needs_a_known_kind_and_reasons(builder: User) -> None:
    for kind, rationale in (("weather", "Why not."), ("gate", " ")):
        with pytest.raises(InvalidInput):
            propose_policy(kind, "gates", {"checks": []}, by=builder, rationale=rationale)


def test_whoever_lacks_the_permission_decides_nothing(outsider: User) -> None:
    policy = a_policy(adopted=False)

    with pytest.raises(NotPermitted):
        adopt_policy(policy, by=outsider, rationale="I am root.")
    with pytest.raises(NotPermitted):
        propose_policy("decision", "mine", DECISION_BODY, by=outsider, rationale="I am root.")

    assert Policy.objects.get().status == "proposed"


def test_what_applicants_are_told_is_adopted_on_the_word_of_another_person(
    checker: User, last_entry: LastEntry
) -> None:
    library = a_policy("reason_library", adopted=False)

    endorse_policy(library, by=the_second_checker(), rationale="The texts are specific.")

    assert last_entry()["event"] == "registry.policy.endorsed"
    library.refresh_from_db()
    assert library.status == "proposed"

    adopt_policy(library, by=checker, rationale="Agreed.")

    assert last_entry()["public"]["endorsed_by"] == ["counsel of the tests"]
    library.refresh_from_db()
    assert library.status == "approved"


def test_one_person_alone_does_not_adopt_what_applicants_are_told(checker: User) -> None:
    library = a_policy("reason_library", adopted=False)
    endorse_policy(library, by=checker, rationale="My own word.")

    with pytest.raises(NotEndorsed):
        adopt_policy(library, by=checker, rationale="And mine again.")

    library.refresh_from_db()
    assert library.status == "proposed"
    assert Entry.objects.order_by("-id")[0].event == "audit.action_refused"


def test_nobody_endorses_what_they_proposed_or_what_was_decided(
    builder: User, checker: User
) -> None:
    library = a_policy("reason_library", adopted=False)

    with pytest.raises(ApproverIsProposer):
        endorse_policy(library, by=builder, rationale="Looks fine to me.")
    with pytest.raises(PolicyNotProposed):
        endorse_policy(a_policy("reason_library"), by=checker, rationale="Late.")

    assert not PolicyEndorsement.objects.filter(policy=library).exists()


@pytest.mark.parametrize("endorser", [None, "checker", "builder"])
def test_the_database_refuses_what_applicants_are_told_without_a_third_person(
    builder: User, checker: User, endorser: str | None
) -> None:
    library = a_policy("reason_library", adopted=False)
    people = {"checker": checker, "builder": builder}
    if endorser:
        PolicyEndorsement.objects.create(
            policy=library, endorsed_by=people[endorser], endorsed_at=timezone.now(), rationale="-",
            entry=library.entry,
        )  # fmt: skip

    with pytest.raises(IntegrityError, match="on the word of another"):
        Policy.objects.filter(pk=library.pk).update(
            status="approved", approved_by=checker, approved_at=timezone.now()
        )

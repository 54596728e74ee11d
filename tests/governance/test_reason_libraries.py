"""What applicants are told is adopted by an approver and legal counsel, whoever comes first."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.errors import NotPermitted
from audit.models import Entry
from governance.actions.changes import approve_change, reject_change, request_adoption
from governance.errors import ApprovedAlready, DeveloperCannotApprove
from governance.models import Approval, ChangeRequest
from governance.queries.changes import changes_awaiting, seats_awaited
from registry.actions.policies import propose_policy
from registry.models import PolicyEndorsement
from tests.conftest import a_person
from tests.governance.builders import WHY, assert_refused, said
from tests.registry.builders import DECISION_BODY, REASON_BODY

pytestmark = pytest.mark.django_db


def asked(developer, kind="reason_library", body=REASON_BODY):
    policy = propose_policy(kind, "small", body, by=developer, rationale="Plainer words.")
    return request_adoption(policy, "Plainer words.", by=developer)


@pytest.mark.parametrize("first", ["approver", "counsel"])
def test_the_first_word_endorses_and_the_second_adopts(developer, approver, counsel, first):
    change = asked(developer)
    one, other = (approver, counsel) if first == "approver" else (counsel, approver)

    approve_change(change.pk, WHY, by=one)

    change.refresh_from_db()
    change.policy.refresh_from_db()
    assert (change.state, change.policy.status) == ("open", "proposed")
    assert PolicyEndorsement.objects.get().endorsed_by == one
    assert changes_awaiting(other) == [change]

    approve_change(change.pk, WHY, by=other)

    change.refresh_from_db()
    change.policy.refresh_from_db()
    assert (change.state, change.policy.status) == ("granted", "approved")
    assert change.policy.approved_by == other


def test_two_approvers_are_not_an_approver_and_counsel(developer, approver):
    change = asked(developer)
    approve_change(change.pk, WHY, by=approver)

    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=a_person("andrea", "approver"))

    change.policy.refresh_from_db()
    assert change.policy.status == "proposed"
    assert_refused("governance.change.approved", "not-permitted")


def test_one_person_with_both_roles_takes_one_seat(developer, counsel):
    change = asked(developer)
    both = a_person("bo", "approver", "legal counsel")
    approve_change(change.pk, WHY, by=both)

    with pytest.raises(ApprovedAlready):
        approve_change(change.pk, WHY, by=both)

    assert seats_awaited(change) == ["governance.decide_reasons"]


def test_whoever_wrote_the_texts_takes_no_seat(developer, analyst, counsel):
    policy = propose_policy(
        "reason_library", "small", REASON_BODY, by=developer, rationale="Plainer words."
    )
    change = request_adoption(policy, "Plainer words.", by=analyst)
    developer.groups.add(*counsel.groups.all())

    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)

    assert not Approval.objects.filter(change_request=change).exists()


def test_counsel_may_turn_the_texts_down(developer, approver, counsel):
    change = asked(developer)
    approve_change(change.pk, WHY, by=approver)

    reject_change(change.pk, "Two of them say the same.", by=counsel)

    change.policy.refresh_from_db()
    assert change.policy.status == "rejected"


def test_other_policies_take_the_approver_alone_and_counsel_has_no_seat(
    developer, approver, counsel
):
    change = asked(developer, "decision", DECISION_BODY)

    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=counsel)
    approve_change(change.pk, WHY, by=approver)

    change.refresh_from_db()
    assert change.state == "granted"
    assert not PolicyEndorsement.objects.exists()


def test_the_log_says_who_else_gave_their_word(developer, approver, counsel):
    change = asked(developer)
    approve_change(change.pk, WHY, by=approver)
    approve_change(change.pk, WHY, by=counsel)

    adopted = Entry.objects.get(event="registry.policy.adopted")
    assert said(adopted)["endorsed_by"] == ["amira"]


# Around the acts: the database refuses it to whoever writes.


def test_the_database_grants_nothing_on_one_word(developer, approver):
    change = asked(developer)
    approve_change(change.pk, WHY, by=approver)

    with pytest.raises(IntegrityError, match="two people"), transaction.atomic():
        ChangeRequest.objects.filter(pk=change.pk).update(
            state="granted", decided_at=timezone.now()
        )


def test_the_database_gives_counsel_no_seat_of_another_kind_of_policy(developer, counsel):
    change = asked(developer, "decision", DECISION_BODY)

    with pytest.raises(IntegrityError, match="another kind"), transaction.atomic():
        Approval.objects.create(
            change_request=change, approver=counsel, decision="approve", seat="governance.decide_reasons",
            rationale=WHY, decided_at=timezone.now(), entry=change.entry,
        )  # fmt: skip

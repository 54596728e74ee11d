"""What a person decided is what applicants are told, and what starts and stops the clock."""

import pytest
from django.utils import timezone

from serving.actions.notices import issue_notice
from serving.actions.resolutions import resolve_decision
from serving.errors import NoAdverseAction, NotDecidedYet
from serving.notices import due
from serving.notices.clock import Stop
from serving.notices.reading import document_of
from tests.serving.notices.builders import a_notice_policy
from tests.serving.reviewing import a_decline, a_referral, an_approval, approved, declined

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def policy(champion):
    return a_notice_policy()


def waiting() -> set[object]:
    now = timezone.now()
    return {row.pk for row in due.waiting_decisions(due.texts_in_force(now), now)}


def test_a_referred_case_that_a_person_declines_gets_a_notice_with_the_reasons_of_both(
    champion, credit_officer
):
    decision = a_referral(champion)
    with pytest.raises(NotDecidedYet):
        issue_notice(decision.pk, by=credit_officer)

    resolve_decision(decision.pk, declined("", "Employer could not be reached"), by=credit_officer)
    notice = issue_notice(decision.pk, by=credit_officer)

    reasons = document_of(notice)["principal_reasons"]["statements"]
    assert reasons[0] == "Employer could not be reached"
    assert set(reasons[1:]) <= {each["statement"] for each in decision.observation.reasons}
    assert len(reasons) > 1


def test_a_decline_that_a_person_overrides_needs_no_notice_any_more(champion, credit_officer):
    decision = a_decline(champion)
    assert decision.pk in waiting()

    resolution = resolve_decision(decision.pk, approved("low_side"), by=credit_officer)

    assert decision.pk not in waiting()
    texts = due.texts_in_force(timezone.now())[champion.model.name]
    clock = due.clock_of(decision, texts)
    assert (clock.stopped_by, clock.stopped_at) == (Stop.APPROVED, resolution.decided_at)
    with pytest.raises(NoAdverseAction):
        issue_notice(decision.pk, by=credit_officer)


def test_an_approval_that_a_person_turns_into_a_decline_has_a_clock_and_gets_a_notice(
    champion, credit_officer
):
    decision = an_approval(champion)
    assert decision.pk not in waiting()

    resolve_decision(
        decision.pk, declined("high_side", "Employer could not be reached"), by=credit_officer
    )

    assert decision.pk in waiting()
    notice = issue_notice(decision.pk, by=credit_officer)
    assert document_of(notice)["principal_reasons"]["statements"] == [
        "Employer could not be reached"
    ]

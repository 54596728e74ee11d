"""A person decides referred cases and overrides, for reasons of their own, and each word has its receipt."""

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import vault
from audit.actions.subjects import erase_subject
from audit.entries import parse
from audit.errors import AlreadyErased, NotPermitted
from audit.ids import uuid7
from audit.keys import log_vkey
from audit.models import Entry
from audit.queries import service_account
from registry.actions.restrictions import restrict_use
from serving.actions.resolutions import PersonsWord, resolve_decision
from serving.errors import NothingToOverride, ResolutionInForce, ResolutionMalformed
from serving.models import Decision, Resolution
from serving.persons_reasons import combined, room_for_own
from serving.reasons import ReasonLibrary
from serving.resolutions import final_of, override_figures, resolutions_in_force, said_in
from serving.tasks import forget_erased
from tests.conftest import ORIGIN
from tests.registry.builders import REASON_BODY, the_builder
from tests.serving.builders import a_decision
from tests.serving.reviewing import (
    WHY,
    a_decline,
    a_referral,
    a_serving_policy,
    an_approval,
    approved,
    declined,
    overridden,
    own,
)
from tests.serving.test_receipts import check_receipt

pytestmark = pytest.mark.django_db
LIBRARY = ReasonLibrary.from_json(REASON_BODY)


def refused() -> int:
    return Entry.objects.filter(event="audit.action_refused").count()


def test_a_referred_case_is_decided_by_a_person_and_the_log_says_so(champion, credit_officer):
    decision = a_referral(champion)

    resolution = resolve_decision(decision.pk, approved(), by=credit_officer)

    assert (resolution.kind, resolution.override_code) == ("referral", "")
    entry = Entry.objects.get(event="serving.decision.resolved")
    assert (entry.subject_id, entry.actor_name) == (str(resolution.pk), "chloe")
    public = parse(bytes(entry.body))["public"]
    assert public["decision"] == str(decision.pk)
    assert "approved" not in str(public), "What came of it is the applicant's own matter."
    assert vault.open_private(entry)["rationale"] == WHY
    stands = final_of(decision)
    assert (stands.outcome, stands.by, stands.reasons) == ("approved", "person", ())
    assert stands.decided_at == resolution.decided_at
    assert Decision.objects.get().outcome == "referred"


def test_without_a_person_the_score_stands(champion):
    decision = a_decline(champion)

    stands = final_of(decision)

    assert (stands.outcome, stands.by) == ("declined", "score")
    assert list(stands.reasons or ()) == decision.observation.reasons


def test_a_resolution_has_a_receipt_of_its_own(champion, credit_officer, signed_in):
    decision = a_referral(champion)
    officer = signed_in(credit_officer)

    answer = officer.post(
        f"/api/v1/decisions/{decision.pk}/resolution",
        {"outcome": "approved", "rationale": WHY},
        content_type="application/json",
    )

    assert answer.status_code == 201, answer.content
    [row] = answer.json()["resolutions"]
    check_receipt(row["receipt"], row["decided_at"], log_vkey(ORIGIN))


def test_a_passed_score_that_a_person_declines_gets_the_persons_reasons_alone(
    champion, credit_officer
):
    decision = an_approval(champion)

    resolution = resolve_decision(
        decision.pk, declined("high_side", "Employer could not be reached"), by=credit_officer
    )

    assert said_in(resolution)["reasons"] == [
        {
            "rank": 1,
            "code": "",
            "reason_group": "",
            "statement": "Employer could not be reached",
            "contribution": None,
            "component": "person",
        }
    ]


def test_a_grey_band_case_that_is_declined_gets_reasons_of_both_and_four_at_most(
    champion, credit_officer
):
    decision = a_referral(champion)
    assert len(decision.observation.reasons) == 2

    resolution = resolve_decision(
        decision.pk, declined("", "First", "Second", "Third"), by=credit_officer
    )

    reasons = said_in(resolution)["reasons"]
    assert [reason["component"] for reason in reasons] == ["person", "person", "person", "score"]
    assert [reason["rank"] for reason in reasons] == [1, 2, 3, 4]
    assert reasons[3]["statement"] == decision.observation.reasons[0]["statement"]
    assert reasons[3]["contribution"] == decision.observation.reasons[0]["contribution"]


def test_a_reason_that_both_have_is_given_once():
    of_score = [
        {"rank": 1, "code": "R01", "reason_group": "obligations", "statement": "x", "contribution": 0.4},
        {"rank": 2, "code": "R02", "reason_group": "income", "statement": "y", "contribution": 0.1},
    ]  # fmt: skip

    reasons = combined([{"reason_group": "obligations"}], of_score, LIBRARY, 4)

    assert [(one["reason_group"], one["component"]) for one in reasons] == [
        ("obligations", "person"),
        ("income", "score"),
    ]


def test_one_of_the_scores_reasons_always_finds_room():
    assert room_for_own([{"reason_group": "income"}], 4) == 3
    assert room_for_own([], 4) == 4


def test_a_case_that_a_restriction_referred_has_the_scores_reasons_only_where_the_score_failed(
    champion, credit_officer
):
    restrict_use(champion, "refer_all", {}, "Untested.", by=the_builder())
    passed, failed = an_approval(champion), a_decline(champion)
    assert {passed.decision_path, failed.decision_path} == {"restricted"}

    components = [
        [
            reason["component"]
            for reason in said_in(resolve_decision(decision.pk, declined(), by=credit_officer))[
                "reasons"
            ]
        ]
        for decision in (passed, failed)
    ]

    assert components[0] == ["person"]
    assert components[1][0] == "person"
    assert set(components[1][1:]) == {"score"}


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        (PersonsWord("declined", WHY), ["reasons"]),
        (PersonsWord("declined", " ", "low_side", own("x")), ["override_code", "rationale"]),
        (PersonsWord("maybe", ""), ["outcome", "rationale"]),
        (PersonsWord("approved", WHY, "", own("x")), ["reasons"]),
        (PersonsWord("declined", WHY, "", own("a", "b", "c", "d")), ["reasons"]),
        (PersonsWord("declined", WHY, "", [{"reason_group": "star sign"}]), ["reasons[0]"]),
        (
            PersonsWord("declined", WHY, "", [{"reason_group": "income", "statement": "x"}, {}]),
            ["reasons[0]", "reasons[1]"],
        ),
        (PersonsWord("declined", WHY, "", own("x" * 301)), ["reasons[0]"]),
    ],
)
def test_everything_wrong_with_a_persons_word_is_named_and_nothing_is_decided(
    champion, credit_officer, word, fields
):
    decision = a_referral(champion)

    with pytest.raises(ResolutionMalformed) as caught:
        resolve_decision(decision.pk, word, by=credit_officer)

    assert [problem.field for problem in caught.value.errors] == fields
    assert not Resolution.objects.exists()
    assert refused() == 1


def test_an_override_says_which_side_it_is_on(champion, credit_officer):
    low, high = a_decline(champion), an_approval(champion)

    assert overridden(low, credit_officer).override_code == "low_side"
    assert overridden(high, credit_officer).override_code == "high_side"

    found = resolutions_in_force([low.pk, high.pk])
    assert {key: row.outcome for key, row in found.items()} == {
        low.pk: "approved",
        high.pk: "declined",
    }
    with pytest.raises(ResolutionMalformed):
        resolve_decision(a_decline(champion).pk, approved("high_side"), by=credit_officer)


def test_what_stands_already_is_not_overridden(champion, credit_officer):
    decision = a_decline(champion)

    with pytest.raises(NothingToOverride):
        resolve_decision(decision.pk, declined(), by=credit_officer)

    assert not Resolution.objects.exists()
    assert refused() == 1


def test_after_one_person_decided_it_takes_a_review(champion, credit_officer, second_officer):
    decision = a_referral(champion)
    first = resolve_decision(decision.pk, approved(), by=credit_officer)

    with pytest.raises(ResolutionInForce):
        resolve_decision(decision.pk, declined("high_side"), by=second_officer)

    assert Resolution.objects.get() == first
    assert refused() == 1


@pytest.mark.parametrize("person", ["lending", "developer", "validator", "superuser"])
def test_who_is_no_credit_officer_decides_nothing(champion, request, person):
    decision = a_referral(champion)

    with pytest.raises(NotPermitted):
        resolve_decision(decision.pk, approved(), by=request.getfixturevalue(person))

    assert not Resolution.objects.exists()


def test_what_a_person_said_is_erased_with_the_applicant(champion, credit_officer):
    decision = a_referral(champion)
    resolution = resolve_decision(decision.pk, declined(), by=credit_officer)
    other = a_referral(champion)

    erased(decision)
    erased(other)

    with pytest.raises(AlreadyErased):
        said_in(resolution)
    fresh = Decision.objects.get(pk=decision.pk)
    assert final_of(fresh).outcome == "declined"
    assert final_of(fresh).reasons is None
    with pytest.raises(AlreadyErased):
        resolve_decision(other.pk, approved(), by=credit_officer)


def erased(decision: Decision) -> None:
    erase_subject(
        decision.subject_id,
        by=service_account("archiver"),
        legal_basis="GDPR Art. 17(1)",
        reason="The tests ask.",
    )
    forget_erased()


def test_the_database_refuses_a_resolution_that_answers_nothing_or_changes(
    champion, credit_officer
):
    decision = an_approval(champion)
    good = overridden(decision, credit_officer)

    def insert(**changes):
        fields = {
            "decision": a_decision(champion), "kind": "override", "outcome": "declined", "override_code": "high_side",
            "decided_by": credit_officer, "decided_at": timezone.now(), "key_id": "k", "signature": b"s", "entry": good.entry,
        }  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic():
            Resolution.objects.create(id=uuid7(), **fields | changes)

    insert(kind="referral", override_code="")
    insert(outcome="approved", override_code="low_side")
    insert(override_code="low_side")
    insert(decision=decision)
    insert(decision=decision, supersedes=good)
    with pytest.raises(DatabaseError), transaction.atomic():
        Resolution.objects.update(outcome="approved")
    with pytest.raises(DatabaseError), transaction.atomic():
        Resolution.objects.all().delete()


def test_override_rates_are_of_the_decisions_on_their_side_and_follow_the_policy(
    champion, credit_officer, second_officer, operator, signed_in
):
    declines = [a_decline(champion) for _ in range(4)]
    approvals = [an_approval(champion) for _ in range(3)]
    resolve_decision(a_referral(champion).pk, approved(), by=credit_officer)
    overridden(declines[0], credit_officer)
    overridden(declines[1], second_officer)
    today = timezone.now().date()

    without = override_figures(champion.model, today, today)
    a_serving_policy(overrides={"watch": 0.4, "breach": 0.6})
    low, high = override_figures(champion.model, today, today)

    assert [side.state for side in without] == [None, None], "Without a policy figures only."
    assert (low.decisions, low.overrides, low.rate, low.state) == (4, 2, 0.5, "watch")
    assert low.by_officer == {"chloe": 1, "conrad": 1}
    assert (high.decisions, high.rate, high.state) == (len(approvals), 0.0, "pass")
    answer = signed_in(operator).get(
        f"/api/v1/models/{champion.model.name}/overrides?since={today}&until={today}"
    )
    assert answer.json()["sides"][0] == {
        "side": "low_side",
        "decisions": 4,
        "overrides": 2,
        "rate": 0.5,
        "state": "watch",
        "by_officer": {"chloe": 1, "conrad": 1},
    }


def test_the_lending_system_reads_what_stands_of_its_own_decisions(
    champion, client_of_lending, lending, credit_officer
):
    mine, other = a_referral(champion, by=lending), a_referral(champion)
    resolve_decision(mine.pk, declined(), by=credit_officer)

    answer = client_of_lending.get(f"/api/v1/decisions/{mine.pk}/resolution")

    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["by"]) == ("declined", "person")
    assert answer.json()["reasons"][0]["component"] == "person"
    assert client_of_lending.get(f"/api/v1/decisions/{other.pk}/resolution").status_code == 403

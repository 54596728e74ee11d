"""A request for erasure: its clock, its decision from facts, and who may."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import vault
from audit.actions.erasures import (
    ErasureDecided,
    ErasureUnderWay,
    FactsChanged,
    RecorderCannotDecide,
    TooLateToExtend,
    decide_erasure_case,
    extend_erasure_case,
)
from audit.entries import parse
from audit.errors import AlreadyErased, NoSuchErasureCase, NotPermitted
from audit.models import Entry, Erasure, ErasureCase, SubjectSecret
from audit.person_requests import PersonRequestMalformed
from tests.audit.people import a_case, a_hold, a_known_person, a_request, decided, seen


def public(event: str) -> dict[str, object]:
    fields = parse(bytes(Entry.objects.get(event=event).body))
    found: dict[str, object] = fields["public"]
    return found


def test_a_request_is_recorded_with_its_month_and_without_the_reference(
    keeper: User, privacy_officer: User
) -> None:
    subject_id = a_known_person(keeper)

    case = a_case(privacy_officer, received_on=date(2026, 1, 31))

    assert (case.subject_id, case.due_on) == (subject_id, date(2026, 2, 28))
    assert public("audit.erasure.requested")["due_on"] == "2026-02-28"
    assert not any(b"customer-77" in bytes(entry.body) for entry in Entry.objects.all())


def test_a_decided_request_erases_says_so_and_answers(keeper: User, privacy_officer: User) -> None:
    a_known_person(keeper)
    entry = Entry.objects.get(event="tests.noted")
    case = a_case(keeper)

    done = decided(case, by=privacy_officer)

    assert (done.outcome, done.is_restricted) == ("erased", False)
    assert "We have erased what we held about you" in done.letter
    assert not SubjectSecret.objects.exists()
    with pytest.raises(AlreadyErased):
        vault.open_private(entry)
    said = public("audit.erasure.decided")
    assert said["outcome"] == "erased"
    assert said["in_time"] is True
    assert str(entry.key_id) in str(public("audit.subject.erased")["key_ids"])


def test_somebody_unknown_gets_an_answer_and_nothing_is_erased(
    keeper: User, privacy_officer: User
) -> None:
    a_known_person(keeper)
    case = a_case(keeper, subject_ref="customer-78")

    done = decided(case, by=privacy_officer)

    assert done.outcome == "refused_not_subject"
    assert "nothing that we can connect" in done.letter
    assert SubjectSecret.objects.exists()


def test_under_a_legal_hold_nothing_is_erased_and_the_answer_says_why(
    keeper: User, privacy_officer: User, counsel: User
) -> None:
    subject_id = a_known_person(keeper)
    case = a_case(keeper)
    a_hold(counsel, scope="subject", subject_id=subject_id)

    done = decided(case, by=privacy_officer)

    assert (done.outcome, done.is_restricted) == ("retained_legal_claims", True)
    assert "17(3)(e)" in done.letter
    assert "2026-117" not in done.letter
    assert not Erasure.objects.exists()
    assert public("audit.erasure.decided")["matters"] == ["2026-117"]


def test_what_changed_since_it_was_seen_is_not_decided_on(
    keeper: User, privacy_officer: User, counsel: User
) -> None:
    a_known_person(keeper)
    case = a_case(keeper)
    looked = seen(case)
    a_hold(counsel)

    with pytest.raises(FactsChanged):
        decide_erasure_case(case.pk, looked, by=privacy_officer)

    case.refresh_from_db()
    assert case.state == "open"
    assert not Erasure.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 1


def test_whoever_recorded_a_request_does_not_decide_it(keeper: User, privacy_officer: User) -> None:
    a_known_person(keeper)
    case = a_case(privacy_officer)

    with pytest.raises(RecorderCannotDecide):
        decided(case, by=privacy_officer)

    assert SubjectSecret.objects.exists()


def test_deciding_needs_its_own_permission(keeper: User, counsel: User, operator: User) -> None:
    a_known_person(keeper)
    case = a_case(keeper)

    for person in (counsel, operator):
        with pytest.raises(NotPermitted):
            decided(case, by=person)


def test_a_request_is_decided_once_even_for_the_database(
    keeper: User, privacy_officer: User
) -> None:
    a_known_person(keeper)
    case = decided(a_case(keeper), by=privacy_officer)

    with pytest.raises(ErasureDecided):
        decided(case, by=privacy_officer)
    with pytest.raises(DatabaseError), transaction.atomic():
        ErasureCase.objects.update(outcome="refused_not_subject")


def test_one_person_has_one_open_request(keeper: User, privacy_officer: User) -> None:
    a_known_person(keeper)
    a_case(keeper)

    with pytest.raises(ErasureUnderWay):
        a_case(privacy_officer)


def test_an_extension_is_told_within_the_first_month_and_happens_once(
    keeper: User, privacy_officer: User
) -> None:
    today = timezone.now().date()
    case = a_case(keeper, received_on=today - timedelta(days=20))

    extended = extend_erasure_case(case.pk, "Many requests at once.", by=privacy_officer)

    assert extended.answer_due_on > case.due_on
    with pytest.raises(TooLateToExtend):
        extend_erasure_case(case.pk, "Again.", by=privacy_officer)
    late = a_case(keeper, subject_ref="other", received_on=today - timedelta(days=40))
    with pytest.raises(TooLateToExtend):
        extend_erasure_case(late.pk, "Forgotten.", by=privacy_officer)
    with pytest.raises(PersonRequestMalformed):
        extend_erasure_case(late.pk, " ", by=privacy_officer)


def test_a_request_names_everything_that_is_wrong_with_it(keeper: User) -> None:
    request = a_request(
        correspondence=" ",
        identity_check="",
        received_on=timezone.now().date() + timedelta(days=1),
        client="",
    )

    with pytest.raises(PersonRequestMalformed) as refused:
        a_case(keeper, **vars(request))

    assert [problem.field for problem in refused.value.errors] == [
        "correspondence",
        "identity_check",
        "received_on",
        "client",
    ]
    assert not ErasureCase.objects.exists()


def test_a_case_that_does_not_exist_is_named(privacy_officer: User) -> None:
    with pytest.raises(NoSuchErasureCase):
        decide_erasure_case(uuid4(), "", by=privacy_officer)

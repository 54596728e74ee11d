"""Legal holds: while one covers something, nothing of it is destroyed, by nobody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from audit import turns
from audit.actions.holds import HoldMalformed, HoldReleased, release_hold
from audit.actions.subjects import erase_subject
from audit.entries import parse
from audit.errors import NoSuchHold, NotPermitted, UnderLegalHold
from audit.models import Entry, Erasure, LegalHold, SubjectSecret
from tests.audit.conftest import a_keeper
from tests.audit.people import a_hold, a_known_person


def erase(subject_id: UUID, by: User) -> list[Erasure]:
    return erase_subject(subject_id, by=by, legal_basis="GDPR Art. 17(1)", reason="Asked.")


def test_an_erasure_under_hold_is_refused_and_recorded(keeper: User, counsel: User) -> None:
    subject_id = a_known_person(keeper)
    a_hold(counsel, scope="subject", subject_id=subject_id)

    with pytest.raises(UnderLegalHold):
        erase(subject_id, keeper)

    assert SubjectSecret.objects.exists()
    refused = parse(bytes(Entry.objects.get(event="audit.action_refused").body))["public"]
    assert refused["problem"] == "under-legal-hold"
    assert refused["attempted"] == "audit.subject.erased"


def test_the_database_itself_refuses_an_erasure_under_hold(keeper: User, counsel: User) -> None:
    subject_id = a_known_person(keeper)
    a_hold(counsel, scope="subject", subject_id=subject_id)
    entry = Entry.objects.get(event="tests.noted")

    with pytest.raises(DatabaseError, match="legal hold"), transaction.atomic():
        Erasure.objects.create(
            subject_id=subject_id, purpose="decision", erased_at=timezone.now(), entry=entry
        )


def test_a_hold_on_somebody_else_or_a_released_one_holds_nothing(
    keeper: User, counsel: User
) -> None:
    subject_id, other = a_known_person(keeper), a_known_person(keeper, "customer-78")
    a_hold(counsel, scope="subject", subject_id=other)
    everything = a_hold(counsel)
    release_hold(everything.pk, "Settled.", by=counsel)

    assert len(erase(subject_id, keeper)) == 2


def test_a_hold_is_recorded_and_released_by_name_with_a_reason_once(
    keeper: User, counsel: User
) -> None:
    hold = a_hold(counsel, scope="model", model="loanapp", first_on=date(2026, 1, 1))

    with pytest.raises(HoldMalformed):
        release_hold(hold.pk, " ", by=counsel)
    released = release_hold(hold.pk, "Settled out of court.", by=counsel)

    assert (released.released_by, str(released)) == (
        "carla",
        "2026-117: model loanapp from 2026-01-01",
    )
    events = Entry.objects.filter(subject_id=str(hold.pk)).order_by("pk")
    assert [entry.event for entry in events] == ["audit.hold.placed", "audit.hold.released"]
    assert parse(bytes(events[0].body))["public"]["from"] == "2026-01-01"
    with pytest.raises(HoldReleased):
        release_hold(hold.pk, "Again.", by=counsel)
    with pytest.raises(DatabaseError), transaction.atomic():
        LegalHold.objects.update(released_at=None, released_by="", release_reason="")
    with pytest.raises(NoSuchHold):
        release_hold(uuid4(), "Nothing there.", by=counsel)


def test_placing_and_releasing_need_counsel(keeper: User, privacy_officer: User) -> None:
    with pytest.raises(NotPermitted):
        a_hold(privacy_officer)
    hold = a_hold(keeper)
    with pytest.raises(NotPermitted):
        release_hold(hold.pk, "Enough.", by=privacy_officer)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"matter": ""}, "matter"),
        ({"custodian": " "}, "custodian"),
        ({"reason": ""}, "reason"),
        ({"scope": "all"}, "scope"),
        ({"scope": "model"}, "model"),
        ({"model": "loanapp"}, "model"),
        ({"scope": "subject"}, "subject_id"),
        ({"scope": "subject", "subject_id": UUID(int=7)}, "subject_id"),
        ({"first_on": date(2026, 2, 1), "last_on": date(2026, 1, 1)}, "to"),
        ({"review_on": date(2020, 1, 1)}, "review_on"),
    ],
)
def test_a_hold_names_what_is_wrong_with_it(
    counsel: User, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(HoldMalformed) as refused:
        a_hold(counsel, **changes)

    assert [problem.field for problem in refused.value.errors] == [field]
    assert not LegalHold.objects.exists()


def test_a_hold_waits_for_an_erasure_under_way_and_an_erasure_for_a_hold(
    own_database: str, django_db_blocker: DjangoDbBlocker
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite runs one act at a time")
    with django_db_blocker.unblock():
        keeper = a_keeper()
        subject_id = a_known_person(keeper)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                turns.erasing()
                placing = pool.submit(_closing, lambda: a_hold(keeper))
                with pytest.raises(TimeoutError):
                    placing.result(timeout=0.5)
            assert placing.result(timeout=10)
            with transaction.atomic():
                turns.placing_hold()
                erasing = pool.submit(_closing, lambda: erase(subject_id, keeper))
                with pytest.raises(TimeoutError):
                    erasing.result(timeout=0.5)
            with pytest.raises(UnderLegalHold):
                erasing.result(timeout=10)


def _closing(act: Callable[[], object]) -> object:
    try:
        return act()
    finally:
        connections.close_all()

"""What is personal can be read under the person's key, and by nobody once that is destroyed."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connections, transaction
from pytest_django.plugin import DjangoDbBlocker

from audit import references, vault
from audit.action import action, record
from audit.actions.subjects import erase_subject
from audit.errors import AlreadyErased, NoSuchSubject
from audit.models import Entry, Erasure, Reference, SubjectSecret
from audit.vault import Private
from tests.audit.conftest import a_keeper


class Event(StrEnum):
    ASKED = "tests.asked"


@action(Event.ASKED, needs="audit.erase_subject")
def ask(reference: str, *, by: User, income: float) -> uuid.UUID:
    subject_id = references.people_for("bank", [reference])[reference].subject_id
    record(subject=("tests.application", "1"), private=Private(subject_id, {"income": income}))
    return subject_id


def test_a_private_payload_is_not_in_the_entry_in_clear_and_opens_under_the_vault(
    keeper: User,
) -> None:
    ask("customer-77", by=keeper, income=4211.5)

    entry = Entry.objects.get()
    assert b"4211" not in bytes(entry.body)
    assert b"customer-77" not in bytes(entry.body)
    assert vault.open_private(entry) == {"income": "4211.5"}


def test_a_reference_means_the_same_person_again_but_another_for_another_client(
    keeper: User,
) -> None:
    first = ask("customer-77", by=keeper, income=1.0)
    again = ask("customer-77", by=keeper, income=2.0)

    assert first == again
    assert references.find("another bank", "subject", ["customer-77"]) == {}


def test_references_are_kept_as_keyed_hashes_only(keeper: User) -> None:
    ask("customer-77", by=keeper, income=1.0)

    assert b"customer-77" not in bytes(Reference.objects.get().mac)


def test_erasing_a_person_destroys_their_keys_and_keeps_the_entry(keeper: User) -> None:
    subject_id = ask("customer-77", by=keeper, income=1.0)
    entry = Entry.objects.get()

    erase_subject(
        subject_id, by=keeper, legal_basis="GDPR Art. 17(1)(b)", reason="Consent withdrawn."
    )

    entry.refresh_from_db()
    assert not SubjectSecret.objects.exists()
    assert references.find("bank", "subject", ["customer-77"]) == {}
    with pytest.raises(AlreadyErased):
        vault.open_private(entry)


def test_nothing_private_is_written_about_someone_erased(keeper: User) -> None:
    subject_id = ask("customer-77", by=keeper, income=1.0)
    erase_subject(
        subject_id, by=keeper, legal_basis="GDPR Art. 17(1)(b)", reason="Consent withdrawn."
    )

    with pytest.raises(AlreadyErased):
        erase_subject(subject_id, by=keeper, legal_basis="GDPR Art. 17(1)(b)", reason="Again.")


def test_erasing_one_purpose_keeps_the_other_readable(keeper: User) -> None:
    subject_id = ask("customer-77", by=keeper, income=1.0)
    vault.secrets_made_for([subject_id], "monitoring")

    [erasure] = erase_subject(
        subject_id,
        by=keeper,
        legal_basis="GDPR Art. 17(1)",
        reason="Asked.",
        purposes=["monitoring"],
    )

    assert erasure.purpose == "monitoring"
    assert vault.open_private(Entry.objects.get(event="tests.asked")) == {"income": "1.0"}
    assert SubjectSecret.objects.get().purpose == "decision"
    assert references.find("bank", "subject", ["customer-77"]) == {"customer-77": subject_id}
    with pytest.raises(AlreadyErased):
        vault.secrets_made_for([subject_id], "monitoring")


def test_a_secret_goes_with_its_own_purpose_and_no_other(keeper: User) -> None:
    subject_id = ask("customer-77", by=keeper, income=1.0)
    erase_subject(
        subject_id,
        by=keeper,
        legal_basis="GDPR Art. 17(1)",
        reason="Asked.",
        purposes=["monitoring"],
    )

    with pytest.raises(DatabaseError, match="not erased"):
        SubjectSecret.objects.all().delete()


def test_the_keys_of_two_purposes_of_one_person_are_strangers_to_each_other(keeper: User) -> None:
    subject_id = ask("customer-77", by=keeper, income=1.0)
    vault.secrets_made_for([subject_id], "monitoring")

    keys = [
        vault.subject_keys([subject_id], purpose, b"a label", b"beside")[subject_id]
        for purpose in ("decision", "monitoring")
    ]

    assert (
        len({*keys, *vault.subject_keys([subject_id], "monitoring", b"another", b"").values()}) == 3
    )


def test_an_unknown_subject_is_refused(keeper: User) -> None:
    with pytest.raises(NoSuchSubject):
        erase_subject(uuid.uuid4(), by=keeper, legal_basis="GDPR Art. 17(1)(b)", reason="Nobody.")


def test_a_secret_is_not_deleted_without_an_erasure(keeper: User) -> None:
    ask("customer-77", by=keeper, income=1.0)

    with pytest.raises(DatabaseError):
        SubjectSecret.objects.all().delete()


def test_an_erasure_waits_for_the_act_that_writes_about_the_person(
    own_database: str, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        keeper = a_keeper()
        subject_id = ask("customer-77", by=keeper, income=1.0)
        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            vault.secrets_of([subject_id])
            erasure = pool.submit(_erase, subject_id, keeper)
            with pytest.raises(TimeoutError):
                erasure.result(timeout=0.5)
            entries = Entry.objects.count()

        assert {erased.purpose for erased in erasure.result()} == {"decision", "monitoring"}
        assert Entry.objects.count() == entries + 2
        with pytest.raises(AlreadyErased):
            vault.secrets_of([subject_id])


def _erase(subject_id: uuid.UUID, by: User) -> list[Erasure]:
    try:
        return erase_subject(subject_id, by=by, legal_basis="GDPR Art. 17(1)(b)", reason="Asked.")
    finally:
        connections.close_all()

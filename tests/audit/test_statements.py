"""Inserting rows of several models at once."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from audit.models import Reference, Subject, SubjectSecret
from audit.statements import insert_rows

pytestmark = pytest.mark.django_db


def people(count):
    subjects = [Subject(id=uuid4()) for _ in range(count)]
    secrets = [
        SubjectSecret(id=uuid4(), subject_id=one.id, purpose="decision", wrapped=b"w")
        for one in subjects
    ]
    return subjects, secrets


def references(subjects, first=0):
    return [
        Reference(
            client="bank",
            kind="subject",
            mac=bytes([first + place]),
            identifier=one.id,
            subject_id=one.id,
        )
        for place, one in enumerate(subjects)
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_batches_of_several_models_go_in_at_once(count):
    subjects, secrets = people(count)

    new = insert_rows(subjects, secrets, references(subjects))

    assert new == (count if connection.vendor == "postgresql" else None)
    assert set(Subject.objects.values_list("pk", flat=True)) == {one.id for one in subjects}
    assert SubjectSecret.objects.count() == Reference.objects.count() == count
    assert not any(row._state.adding for row in [*subjects, *secrets])


def test_a_batch_without_rows_is_left_out():
    subjects, _ = people(2)

    insert_rows(subjects, [], references(subjects))

    assert (Subject.objects.count(), SubjectSecret.objects.count()) == (2, 0)
    assert insert_rows([], []) == 0


def test_what_is_there_is_left_in_the_last_batch_alone():
    subjects, secrets = people(2)
    insert_rows(subjects, secrets, references(subjects))
    newcomers, _ = people(2)

    new = insert_rows(newcomers, references(newcomers, first=1), ignore_conflicts=True)

    assert new == (1 if connection.vendor == "postgresql" else None)
    assert Reference.objects.count() == 3
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(secrets, references(newcomers, first=9), ignore_conflicts=True)
    assert SubjectSecret.objects.count() == 2

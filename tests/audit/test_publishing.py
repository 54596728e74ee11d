"""From a signed head to what strangers see."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit import sequencer
from audit.models import Checkpoint, Publication
from audit.publishing import publish
from audit.queries import NothingSealed, newest_checkpoint, published_size
from audit.sequencer import seal
from audit.verification import verify_log
from tests.audit.acts import some_entries


def test_without_witnesses_a_checkpoint_is_published_as_soon_as_it_is_signed(log: str) -> None:
    seal()

    newest, signed = newest_checkpoint(log), Checkpoint.objects.get()
    assert (newest.origin, newest.size, newest.root) == (log, 2, bytes(signed.root))
    assert newest.note == signed.note


def test_publishing_again_changes_nothing(log: str) -> None:
    seal()

    first, again = publish(log), publish(log)

    assert first == again
    assert Publication.objects.count() == 1


def test_nothing_is_published_before_anything_is_signed(log: str) -> None:
    assert publish(log) is None

    assert published_size(log) == 0
    with pytest.raises(NothingSealed):
        newest_checkpoint(log)


def test_a_checkpoint_that_a_crash_left_unpublished_is_published_by_the_next_pass(log: str) -> None:
    sequencer._integrate(log)
    sequencer._sign_head(log, sequencer.log_signer(log))
    assert published_size(log) == 0

    seal()

    assert published_size(log) == 2


def test_the_newest_published_checkpoint_is_the_largest(log: str, keeper: User) -> None:
    seal()
    some_entries(3, by=keeper)
    seal()

    assert newest_checkpoint(log).size == 5
    assert Publication.objects.count() == 2


def test_a_publication_never_changes(log: str) -> None:
    seal()

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Publication.objects.update(note="another")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Publication.objects.all().delete()


def test_a_note_that_was_published_and_never_signed_is_named(log: str, keeper: User) -> None:
    sequencer._integrate(log)
    sequencer._sign_head(log, sequencer.log_signer(log))
    signed = Checkpoint.objects.get()
    Publication.objects.create(
        checkpoint=signed,
        note=signed.note.replace("2\n", "3\n", 1),
        published_at=signed.signed_at,
    )

    problems = verify_log(by=keeper).problems

    assert any("published: at 2 another note was published" in problem for problem in problems)

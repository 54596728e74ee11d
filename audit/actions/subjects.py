"""Erasing a person: their keys and references go, their entries stay and can no longer be read."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import AlreadyErased, NoSuchSubject
from audit.events import Event
from audit.models import Erasure, Reference, Subject, SubjectSecret


@action(Event.SUBJECT_ERASED, needs="audit.erase_subject")
def erase_subject(subject_id: UUID, *, by: User, legal_basis: str, reason: str) -> Erasure:
    """Destroy a person's secrets and references. Cannot be undone.

    Raises NoSuchSubject or AlreadyErased. Rows of other apps about the person may be deleted once the erasure exists.
    """
    subject = Subject.objects.select_for_update().filter(pk=subject_id).first()
    if subject is None:
        raise NoSuchSubject(f"The vault knows no subject {subject_id}.")
    if Erasure.objects.filter(subject=subject).exists():
        raise AlreadyErased(f"Subject {subject_id} was erased already.")
    key_ids = sorted(
        str(pk) for pk in SubjectSecret.objects.filter(subject=subject).values_list("pk", flat=True)
    )
    entry = record(
        subject=("audit.subject", str(subject_id)), legal_basis=legal_basis, key_ids=key_ids
    )
    erasure = Erasure.objects.create(
        subject=subject,
        legal_basis=legal_basis,
        reason=reason,
        erased_at=timezone.now(),
        entry=entry,
    )
    SubjectSecret.objects.filter(subject=subject).delete()
    Reference.objects.filter(subject=subject).delete()
    return erasure

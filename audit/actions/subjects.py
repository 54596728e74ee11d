"""Erasing a person: their keys and references go, their entries stay and can no longer be read."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.errors import AlreadyErased, UnderLegalHold
from audit.events import Event
from audit.holdings import SWEEPS, locked_facts
from audit.models import Erasure, Reference, SubjectSecret
from audit.purposes import DECISION, PURPOSES

SWEEP_EXPORTS = "audit.sweep_exports"


@action(Event.SUBJECT_ERASED, needs="audit.erase_subject")
def erase_subject(
    subject_id: UUID,
    *,
    by: User,
    legal_basis: str,
    reason: str,
    purposes: Sequence[str] = tuple(PURPOSES),
) -> list[Erasure]:
    """Destroy a person's secrets for these purposes, and with "decision" their references. Cannot be undone.

    An entry per purpose. Refused under a legal hold; whether anything must be kept for longer is weighed by the acts
    that call this one. Raises NoSuchSubject, AlreadyErased where nothing is left, or UnderLegalHold. Rows of other
    apps about the person may be deleted once the erasure exists; their sweeps are sent on commit.
    """
    facts = locked_facts(subject_id)
    if facts.covering:
        raise UnderLegalHold(
            f"A legal hold covers {subject_id}; nothing is erased until it is released."
        )
    left = [kept.purpose.name for kept in facts.kept if kept.purpose.name in purposes]
    if not left:
        raise AlreadyErased(f"Subject {subject_id} was erased already.")
    erasures = [_erased(subject_id, purpose, legal_basis, reason) for purpose in left]
    if DECISION.name in left:
        Reference.objects.filter(subject=subject_id).delete()
    for task in (*SWEEPS, SWEEP_EXPORTS):
        send_on_commit(task)
    return erasures


def _erased(subject_id: UUID, purpose: str, legal_basis: str, reason: str) -> Erasure:
    secrets = SubjectSecret.objects.filter(subject=subject_id, purpose=purpose)
    key_ids = sorted(str(pk) for pk in secrets.values_list("pk", flat=True))
    entry = record(
        subject=("audit.subject", str(subject_id)),
        legal_basis=legal_basis,
        purpose=purpose,
        key_ids=key_ids,
    )
    erasure = Erasure.objects.create(
        subject_id=subject_id,
        purpose=purpose,
        legal_basis=legal_basis,
        reason=reason,
        erased_at=timezone.now(),
        entry=entry,
    )
    secrets.delete()
    return erasure

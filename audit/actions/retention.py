"""The end of retention: people of whom nothing has to be kept any longer are erased without being asked."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.actions.subjects import erase_subject
from audit.cases import is_disputed
from audit.errors import ErasureDisputed, Refusal, UnderLegalHold
from audit.events import Event
from audit.holdings import locked_facts
from audit.models import Entry, Erasure

STORAGE_LIMITATION = "GDPR Art. 5(1)(e)"


class RetentionNotEnded(Refusal):
    """Something of the person must still be kept, or nobody knows since when its period counts."""


@action(Event.RETENTION_ENDED, needs="audit.end_retention")
def end_retention(subject_id: UUID, *, by: User) -> list[Erasure]:
    """Erase a person whose retention has ended. Raises NoSuchSubject, UnderLegalHold, ErasureDisputed, RetentionNotEnded or AlreadyErased."""
    facts = locked_facts(subject_id)
    if facts.covering:
        raise UnderLegalHold(f"A legal hold covers {subject_id}.")
    if is_disputed(subject_id):
        raise ErasureDisputed(f"A request of {subject_id} is disputed; whoever settles it decides.")
    if not facts.has_ended(timezone.now().date()):
        raise RetentionNotEnded(f"Not all that is held about {subject_id} has come to its end.")
    record(
        subject=("audit.subject", str(subject_id)),
        ended_on=facts.ends_on,
        records={
            holding.record_class: holding.records
            for kept in facts.kept
            for holding in kept.holdings
        },
    )
    return erase_subject(
        subject_id, legal_basis=STORAGE_LIMITATION, reason="Retention has ended.", by=by
    )


@action(Event.RETENTION_REVIEWED, needs="audit.end_retention")
def record_retention_review(counts: Mapping[str, int], *, by: User) -> Entry:
    """Keep that everybody was looked at, and with what result."""
    return record(subject=("audit.subject", "retention"), people=dict(counts))

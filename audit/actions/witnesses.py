"""What witnesses and timestamp authorities said of a checkpoint, where it is worth an entry."""

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.events import Event
from audit.models import Checkpoint, Entry, Publication, TimestampToken, WitnessRefusal


@action(Event.WITNESS_REFUSED, needs="audit.record_witness_refusal")
def record_witness_refusal(
    checkpoint: Checkpoint, witness: str, reason: str, *, witness_size: int | None, by: User
) -> WitnessRefusal:
    """Leave the fact that a witness did not find the log grown from what it cosigned last."""
    entry = record(
        subject=("audit.witness", witness),
        size=checkpoint.size,
        root=bytes(checkpoint.root).hex(),
        witness_size=witness_size,
        reason=reason,
    )
    return WitnessRefusal.objects.create(
        checkpoint=checkpoint,
        witness=witness,
        witness_size=witness_size,
        reason=reason,
        refused_at=timezone.now(),
        entry=entry,
    )


@action(Event.CHECKPOINT_TIMESTAMPED, needs="audit.timestamp_checkpoint")
def record_timestamp(
    publication: Publication,
    response: bytes,
    *,
    authority: str,
    stamped_at: datetime,
    response_sha256: str,
    by: User,
) -> TimestampToken:
    """Keep a response of a timestamp authority that was verified."""
    entry = record(
        subject=("audit.log", publication.origin),
        size=publication.size,
        authority=authority,
        stamped_at=stamped_at,
        response_sha256=response_sha256,
    )
    return TimestampToken.objects.create(
        publication=publication,
        authority=authority,
        response=response,
        stamped_at=stamped_at,
        entry=entry,
    )


@action(Event.TIMESTAMP_FAILED, needs="audit.timestamp_checkpoint")
def record_timestamp_failure(
    publication: Publication, reason: str, *, authority: str, by: User
) -> Entry:
    """Record that a checkpoint could not be timestamped, and why."""
    return record(
        subject=("audit.log", publication.origin),
        size=publication.size,
        authority=authority,
        reason=reason[:500],
    )

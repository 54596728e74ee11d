"""Closing epochs: which stretch of the log the archive gets next, decided once."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Max
from django.utils import timezone

from audit.action import action, record
from audit.canonical import timestamp
from audit.errors import Refusal
from audit.events import Event
from audit.models import Epoch, Publication


class NothingToClose(Refusal):
    """Every published entry up to that checkpoint lies in a closed epoch already."""


@action(Event.EPOCH_CLOSED, needs="audit.archive_log")
def close_epoch(
    publication: Publication,
    *,
    by: User,
    locked_until: datetime,
    policy: str,
    stamps: Sequence[int] = (),
) -> Epoch:
    """Close everything since the last epoch under that checkpoint. What its object is made of does not change after this.

    `stamps` are the sizes of the checkpoints whose time stamps go with it. Raises NothingToClose; Overtaken where
    another process closed the same stretch.
    """
    origin = publication.origin
    last = Epoch.objects.filter(origin=origin).aggregate(last=Max("last"))["last"]
    first = 0 if last is None else last + 1
    if publication.size <= first:
        raise NothingToClose(f"{origin} is closed for the archive up to {first} entries.")
    entry = record(
        subject=("audit.log", origin),
        first=first,
        last=publication.size - 1,
        root=publication.root.hex(),
        locked_until=timestamp(locked_until),
    )
    return Epoch.objects.create(
        origin=origin,
        first=first,
        last=publication.size - 1,
        publication=publication,
        stamps=list(stamps),
        policy=policy,
        closed_at=timezone.now(),
        locked_until=locked_until,
        entry=entry,
    )

"""What this floor holds about people, for those who weigh whether it may be erased."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db.models import Count, Max, Min

from audit.purposes import DECISION
from audit.weighing import Holding
from serving.models import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    ApplicationStatus,
    Decision,
    Notice,
    NoticeDelivery,
    Outcome,
    Resolution,
    ReviewStep,
)

RECORD_CLASS = "decision"


def held_about(subject_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Holding]]:
    """The decisions about each person, and what they reported of applications never decided; at most 500 people.

    The period counts from the newest of what is kept: the decision, its notice, when that was last sent, an outcome, a
    status of the application, a person's word about it: an open review keeps what it is about. The law counts from the
    notice, which follows the decision.
    """
    held: dict[UUID, list[Holding]] = {}
    newest: dict[UUID, date] = {}
    for subject_id, day in _newest(subject_ids):
        newest[subject_id] = max(day, newest.get(subject_id, day))
    decisions = Decision.objects.filter(subject_id__in=subject_ids).order_by()
    statuses = ApplicationStatus.objects.filter(subject_id__in=subject_ids).order_by()
    models: dict[UUID, set[str]] = {}
    for rows in (decisions, statuses):
        for subject_id, model in rows.values_list("subject_id", "model_name").distinct():
            models.setdefault(subject_id, set()).add(model)
    counted = decisions.values_list("subject_id").annotate(Count("pk"), Min("decided_at"))
    reported = statuses.values_list("subject_id").annotate(Count("pk"), Min("recorded_at"))
    firsts = {**{row[0]: row for row in reported}, **{row[0]: row for row in counted}}
    for subject_id, records, first in firsts.values():
        last_on = newest[subject_id]
        held[subject_id] = [
            Holding(
                record_class=RECORD_CLASS,
                purpose=DECISION.name,
                records=records,
                started_on=last_on,
                first_on=first.date(),
                last_on=last_on,
                models=frozenset(models[subject_id]),
            )
        ]
    return held


def _newest(subject_ids: Sequence[UUID]) -> Iterator[tuple[UUID, date]]:
    """The newest day of each kind of record about each person."""
    for rows, whose, when in (
        (Decision.objects, "subject_id", "decided_at"),
        (ApplicationStatus.objects, "subject_id", "recorded_at"),
        (ApplicationNotice.objects, "status__subject_id", "issued_at"),
        (ApplicationNoticeDelivery.objects, "notice__status__subject_id", "sent_at"),
        (Notice.objects, "decision__subject_id", "issued_at"),
        (NoticeDelivery.objects, "notice__decision__subject_id", "sent_at"),
        (Outcome.objects, "decision__subject_id", "observed_on"),
        (Resolution.objects, "decision__subject_id", "decided_at"),
        (ReviewStep.objects, "review__decision__subject_id", "taken_at"),
    ):
        found = rows.filter(**{f"{whose}__in": subject_ids}).order_by()
        for subject_id, last in found.values_list(whose).annotate(newest=Max(when)):
            yield subject_id, last.date() if hasattr(last, "date") else last

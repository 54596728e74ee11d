"""What this floor holds about people, for those who weigh whether it may be erased."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db.models import Count, Max, Min

from audit.purposes import DECISION
from audit.weighing import Holding
from serving.models import Decision, Outcome, Resolution, ReviewStep

RECORD_CLASS = "decision"


def held_about(subject_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Holding]]:
    """The decisions about each person; at most 500 people.

    The period counts from the newest decision, outcome, or word of a person about it. The law counts from the notice of the decision, which follows
    it by up to 30 days and which is not recorded here yet: the bank's own period of seven years leaves room for that.
    """
    outcomes = (
        Outcome.objects.filter(decision__subject_id__in=subject_ids)
        .order_by()
        .values_list("decision__subject_id")
        .annotate(newest=Max("observed_on"))
    )
    newest = dict(outcomes)
    for subject_id, day in _said_by_people(subject_ids):
        newest[subject_id] = max(day, newest.get(subject_id, day))
    decisions = Decision.objects.filter(subject_id__in=subject_ids).order_by()
    models: dict[UUID, set[str]] = {}
    for subject_id, model in decisions.values_list("subject_id", "model_name").distinct():
        models.setdefault(subject_id, set()).add(model)
    counted = decisions.values_list("subject_id").annotate(
        Count("pk"), Min("decided_at"), Max("decided_at")
    )
    held: dict[UUID, list[Holding]] = {}
    for subject_id, records, first, last in counted:
        last_on = max(last.date(), newest.get(subject_id, last.date()))
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


def _said_by_people(subject_ids: Sequence[UUID]) -> Iterator[tuple[UUID, date]]:
    """The days of resolutions and of steps of reviews, by person: an open review keeps what it is about."""
    said = Resolution.objects.filter(decision__subject_id__in=subject_ids).order_by()
    steps = ReviewStep.objects.filter(review__decision__subject_id__in=subject_ids).order_by()
    for subject_id, moment in said.values_list("decision__subject_id").annotate(Max("decided_at")):
        yield subject_id, moment.date()
    by_person = steps.values_list("review__decision__subject_id").annotate(Max("taken_at"))
    for subject_id, moment in by_person:
        yield subject_id, moment.date()

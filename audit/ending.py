"""The pass that ends retention: looks at everybody whose period may be over, and erases those whose is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.actions.retention import RetentionNotEnded, end_retention, record_retention_review
from audit.errors import AlreadyErased, ErasureDisputed, UnderLegalHold
from audit.holdings import facts_about
from audit.models import Subject
from audit.months import months_after
from audit.purposes import DECISION
from audit.schedules import retention_schedule
from audit.weighing import Facts

AT_ONCE = 500
Seen = Callable[[int], None]


@dataclass
class Review:
    """What a pass found. `unknown`: kept, because nobody knows since when the period counts."""

    seen: int = 0
    ended: int = 0
    held: int = 0
    unknown: int = 0


def review_retention(
    *, by: User, dry_run: bool = False, on_person: Callable[[Facts], None] | None = None
) -> Review:
    """Erase everybody whose retention has ended, one act each; `on_person` hears of each who is due.

    A dry run changes and records nothing. A pass that is killed has done whole people, and the next goes on.
    """
    today, review = timezone.now().date(), Review()
    for facts in due_people(today, review):
        if on_person:
            on_person(facts)
        if facts.covering:
            review.held += 1
        elif dry_run or _ended(facts.subject_id, by):
            review.ended += 1
    if not dry_run:
        record_retention_review(vars(review), by=by)
    return review


def due_people(today: date, review: Review) -> Iterator[Facts]:
    """Those whose period is over, held or not. Counts who was looked at, and whose period nobody knows."""
    for subject_ids in _old_enough(today):
        for facts in facts_about(subject_ids):
            review.seen += 1
            review.unknown += facts.ends_on is None
            if facts.has_ended(today):
                yield facts


def _ended(subject_id: UUID | None, by: User) -> bool:
    assert subject_id is not None
    try:
        end_retention(subject_id, by=by)
    except (
        AlreadyErased,
        ErasureDisputed,
        RetentionNotEnded,
        UnderLegalHold,
    ):  # what changed meanwhile counts
        return False
    return True


def _old_enough(today: date) -> Iterator[list[UUID]]:
    """People first seen at least the shortest period ago: no other's can be over. By identifier, 500 at a time."""
    shortest = min(r.period.years * 12 + r.period.months for r in retention_schedule().rules)
    before = months_after(today, -shortest) + timedelta(days=1)
    people = Subject.objects.filter(created_at__date__lte=before).exclude(
        erasures__purpose=DECISION.name
    )
    last = None
    while True:
        after = people.filter(pk__gt=last) if last else people
        some = list(after.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        if not some:
            return
        yield some
        last = some[-1]

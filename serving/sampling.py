"""Which decisions of a model are judged again one night, by a seed that draws the same ones any time later."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from audit.cases import restricted_people
from registry.models import ScoringModel
from serving.models import Decision, ReplayRun
from serving.replaying import drawn, shares

OLDER_SHARE = 5  # one in so many is older than the day


def models_that_decided() -> QuerySet[ScoringModel]:
    decided = Decision.objects.filter(model_name=OuterRef("name"))
    return ScoringModel.objects.filter(Exists(decided))


def sample(model_name: str, since: datetime, until: datetime, asked: int, seed: int) -> list[UUID]:
    """At most `asked` decisions from before `until`: most of them since `since`, at least a fifth older where there are any.

    1. One in five is older, and as many more as the day has too few. 2. An older one is the first at or after a moment
    drawn from the whole time before, so that a quiet year weighs as much as a busy one; one that is met twice counts once.
    """
    decisions = Decision.objects.filter(model_name=model_name).order_by("decided_at", "pk")
    recent = decisions.filter(decided_at__gte=since, decided_at__lt=until)
    ids = list(recent.values_list("pk", flat=True))
    before = decisions.filter(decided_at__lt=since)
    times = before.values_list("decided_at", flat=True)
    first, last = times.first(), times.last()
    # 1
    wanted_older = max(asked // OLDER_SHARE, asked - len(ids)) if first else 0
    chosen = drawn(seed, ids, asked - wanted_older)
    # 2
    older: list[UUID] = []
    if first and last:
        for share in shares(seed, wanted_older):
            moment = first + (last - first) * share
            older += before.filter(decided_at__gte=moment).values_list("pk", flat=True)[:1]
    return chosen + list(dict.fromkeys(older))


def restricted_among(decision_ids: Sequence[UUID]) -> set[UUID]:
    """Those decisions about people whose data may only be kept."""
    about = Decision.objects.filter(Exists(restricted_people(OuterRef("subject_id"))))
    return set(about.filter(pk__in=decision_ids).values_list("pk", flat=True))


def sample_of(run: ReplayRun) -> list[UUID]:
    """The decisions of a past night, drawn again."""
    return sample(run.model.name, run.since, run.until, run.asked, run.seed)

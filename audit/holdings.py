"""What is held about a person, on every floor, without importing the floors above.

A floor registers who holds records about people, and the sweep that removes what an erasure leaves behind.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from uuid import UUID

from audit import turns
from audit.errors import NoSuchSubject
from audit.models import Erasure, LegalHold, Subject, SubjectSecret
from audit.purposes import PURPOSES, Purpose
from audit.retention import NoRule
from audit.schedules import retention_schedule
from audit.weighing import Facts, Holding, Kept

Holder = Callable[[Sequence[UUID]], Mapping[UUID, Sequence[Holding]]]
HOLDERS: list[Holder] = []
SWEEPS: list[str] = []


def holds_records(holder: Holder, *, sweep: str) -> None:
    """Called in `AppConfig.ready()`: what a floor holds about each of some people, and its task that forgets the erased."""
    if holder not in HOLDERS:
        HOLDERS.append(holder)
    forgets_erased(sweep)


def forgets_erased(sweep: str) -> None:
    """Called in `AppConfig.ready()`: a task that forgets the erased, for what no law makes us keep."""
    if sweep not in SWEEPS:
        SWEEPS.append(sweep)


def facts_about(subject_ids: Sequence[UUID]) -> list[Facts]:
    """What the outcome of erasing each of these people follows from, in order; at most 500 at a time."""
    held: dict[UUID, list[Holding]] = {subject_id: [] for subject_id in subject_ids}
    for holder in HOLDERS:
        for subject_id, holdings in holder(subject_ids).items():
            held[subject_id] += holdings
    keys = _keys(subject_ids)
    erased = set(
        Erasure.objects.filter(subject__in=subject_ids).values_list("subject_id", "purpose")
    )
    holds = tuple(hold.as_hold for hold in LegalHold.objects.filter(released_at=None))
    return [
        Facts(
            subject_id,
            tuple(
                _kept(purpose, held[subject_id], keys.get((subject_id, purpose.name), 0))
                for purpose in PURPOSES.values()
                if (subject_id, purpose.name) not in erased
            ),
            holds,
        )
        for subject_id in subject_ids
    ]


def locked_facts(subject_id: UUID) -> Facts:
    """The facts about one person, held still until the act ends: whoever writes about them came before, or waits.

    Raises NoSuchSubject.
    """
    turns.erasing()
    if not Subject.objects.select_for_update().filter(pk=subject_id).exists():
        raise NoSuchSubject(f"The vault knows no subject {subject_id}.")
    # An act that writes about the person holds their secrets: wait for it, and then look at what it left.
    list(SubjectSecret.objects.select_for_update().filter(subject=subject_id).order_by("pk"))
    [facts] = facts_about([subject_id])
    return facts


def nobody() -> Facts:
    """About a reference that the vault does not know."""
    return Facts(None, (), ())


def _keys(subject_ids: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    secrets = SubjectSecret.objects.filter(subject__in=subject_ids)
    return dict.fromkeys(secrets.values_list("subject_id", "purpose"), 1)


def _kept(purpose: Purpose, held: Sequence[Holding], keys: int) -> Kept:
    holdings = tuple(holding for holding in held if holding.purpose == purpose.name)
    ends = [_end(holding) for holding in holdings]
    known = [end for end in ends if end is not None]
    ends_on = max(known) if known and len(known) == len(ends) else None
    return Kept(purpose, holdings, keys, ends_on)


def _end(holding: Holding) -> date | None:
    """The longest period of any jurisdiction: the log does not know where a person lives."""
    if holding.started_on is None:
        return None
    try:
        return retention_schedule().end_anywhere(holding.record_class, holding.started_on)
    except NoRule:
        return None

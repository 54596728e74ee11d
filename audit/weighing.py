"""What of a person may be erased, and what must be kept: weighed from facts. Pure.

1. A legal hold keeps everything: Art. 17(3)(e) GDPR.
2. A retained purpose is kept until the retention period of its newest record has ended: Art. 17(3)(b). Where a
   period has not begun, or nobody knows when it began, it has not ended.
3. Everything else is erased: Art. 17(1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from audit.canonical import digest_json
from audit.purposes import Purpose

ERASED_UNDER = "GDPR Art. 17(1)"
KEPT_BY_LAW = "GDPR Art. 17(3)(b)"
KEPT_FOR_CLAIMS = "GDPR Art. 17(3)(e)"
GROUNDS = {
    ERASED_UNDER: "the right to be erased",
    KEPT_BY_LAW: "a legal obligation to keep",
    KEPT_FOR_CLAIMS: "legal claims",
}
"""What a dispute about a request can be about, in words."""
KEPT_ON = (KEPT_BY_LAW, KEPT_FOR_CLAIMS)
"""The grounds on which a request is refused."""
RESTRICTION = (
    "What is kept is restricted: it is no longer used for monitoring, reports or training, and is read only for "
    "the record, for authorities and for legal claims."
)


class Outcome(StrEnum):
    """How a request for erasure is answered."""

    ERASED = "erased"
    PARTIALLY_ERASED = "partially_erased"
    RETAINED_LEGAL_OBLIGATION = "retained_legal_obligation"
    RETAINED_LEGAL_CLAIMS = "retained_legal_claims"
    REFUSED_NOT_SUBJECT = "refused_not_subject"


@dataclass(frozen=True)
class Holding:
    """The records of one class that a floor holds about one person.

    `started_on` is the day of the newest event from which the retention period counts; None where it has not
    happened or is not known. `first_on` and `last_on` are the days of the first and the last record.
    """

    record_class: str
    purpose: str
    records: int
    started_on: date | None
    first_on: date
    last_on: date
    models: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Hold:
    """What a legal hold covers. Days are included; None leaves that side open. `model` and `subject_id` None: all."""

    matter: str
    subject_id: UUID | None = None
    model: str | None = None
    first_on: date | None = None
    last_on: date | None = None

    def covers(self, subject_id: UUID, holdings: Iterable[Holding]) -> bool:
        """True where any record may be among what is held. In doubt it is: a hold errs on the side of keeping."""
        if self.subject_id is not None:
            return self.subject_id == subject_id
        if self.model is None and self.first_on is None and self.last_on is None:
            return True
        return any(self._touches(holding) for holding in holdings)

    def _touches(self, holding: Holding) -> bool:
        if self.model is not None and holding.models and self.model not in holding.models:
            return False
        begins_before = self.last_on is None or holding.first_on <= self.last_on
        ends_after = self.first_on is None or holding.last_on >= self.first_on
        return begins_before and ends_after


@dataclass(frozen=True)
class Kept:
    """What is held for one purpose: the retention end of its newest record, None where that is not known.

    `keys` counts the secrets that there are to destroy.
    """

    purpose: Purpose
    holdings: tuple[Holding, ...]
    keys: int
    ends_on: date | None

    @property
    def is_empty(self) -> bool:
        return not self.keys and not self.holdings

    def has_ended(self, today: date) -> bool:
        """True only where there is a start event and its period is over."""
        return self.ends_on is not None and self.ends_on <= today


@dataclass(frozen=True)
class Facts:
    """Everything that an outcome is computed from. `kept` holds the purposes that were not erased before."""

    subject_id: UUID | None
    kept: tuple[Kept, ...]
    holds: tuple[Hold, ...]

    @property
    def covering(self) -> tuple[Hold, ...]:
        if self.subject_id is None:
            return ()
        holdings = [holding for kept in self.kept for holding in kept.holdings]
        return tuple(hold for hold in self.holds if hold.covers(self.subject_id, holdings))

    @property
    def ends_on(self) -> date | None:
        """When the last of what must be kept has ended; None where that is not known, or nothing must be kept."""
        retained = [kept for kept in self.kept if kept.purpose.retained]
        ends = [kept.ends_on for kept in retained if kept.ends_on is not None]
        return max(ends) if ends and len(ends) == len(retained) else None

    def has_ended(self, today: date) -> bool:
        """True where the period of everything that must be kept began once, and is over."""
        return self.ends_on is not None and self.ends_on <= today


@dataclass(frozen=True)
class Part:
    """What is done with one purpose, under which article, and until when what is kept is kept."""

    purpose: str
    erase: bool
    article: str
    record_classes: tuple[str, ...]
    records: int
    ends_on: date | None
    why: str


@dataclass(frozen=True)
class Assessment:
    """The outcome and what it consists of. `matters` are the legal holds that it rests on."""

    outcome: Outcome
    parts: tuple[Part, ...]
    restriction: str
    matters: tuple[str, ...]

    @property
    def erased(self) -> tuple[str, ...]:
        return tuple(part.purpose for part in self.parts if part.erase)

    @property
    def article(self) -> str:
        articles = dict.fromkeys(part.article for part in self.parts)
        return ", ".join(articles) or "GDPR Art. 12(4)"

    def as_json(self) -> dict[str, Any]:
        plain = asdict(self)
        for part in plain["parts"]:
            part["record_classes"] = list(part["record_classes"])
            part["ends_on"] = part["ends_on"] and part["ends_on"].isoformat()
        return plain | {"matters": list(self.matters), "parts": list(plain["parts"])}

    @property
    def digest(self) -> str:
        """What a person saw and decides on: another fact gives another digest."""
        return digest_json(self.as_json())


def weighed(facts: Facts, today: date) -> Assessment:
    """The outcome that follows from the facts on a day."""
    kept = [item for item in facts.kept if not item.is_empty]
    if facts.subject_id is None or not kept:
        return Assessment(Outcome.REFUSED_NOT_SUBJECT, (), "", ())
    holds = facts.covering
    parts = tuple(_part(item, bool(holds), today) for item in kept)
    outcome = _outcome(parts, bool(holds))
    restriction = RESTRICTION if any(not part.erase for part in parts) else ""
    return Assessment(outcome, parts, restriction, tuple(sorted({hold.matter for hold in holds})))


def settled(facts: Facts, ground: str) -> Assessment:
    """The outcome as people settled it, for all that is held: erased under `ERASED_UNDER`, or kept on a ground of `KEPT_ON`.

    Where nothing is held there is nothing to settle, and the outcome is that of `weighed`.
    """
    kept = [item for item in facts.kept if not item.is_empty]
    if facts.subject_id is None or not kept:
        return Assessment(Outcome.REFUSED_NOT_SUBJECT, (), "", ())
    matters = tuple(sorted({hold.matter for hold in facts.covering}))
    if ground == ERASED_UNDER:
        why = "A dispute about it was settled: it is erased."
        parts = tuple(_of(item, True, ground, None, why) for item in kept)
        return Assessment(Outcome.ERASED, parts, "", matters)
    by_law = ground == KEPT_BY_LAW
    why = "A dispute about it was settled: it is kept."
    parts = tuple(_of(item, False, ground, item.ends_on if by_law else None, why) for item in kept)
    outcome = Outcome.RETAINED_LEGAL_OBLIGATION if by_law else Outcome.RETAINED_LEGAL_CLAIMS
    return Assessment(outcome, parts, RESTRICTION, matters)


def _part(kept: Kept, held: bool, today: date) -> Part:
    if held:
        return _of(
            kept,
            False,
            KEPT_FOR_CLAIMS,
            None,
            "It is needed to establish, exercise or defend legal claims.",
        )
    if not kept.purpose.retained:
        why = "Nothing obliges us to keep it."
        return _of(kept, True, ERASED_UNDER, None, why)
    if not kept.holdings or kept.has_ended(today):
        return _of(kept, True, ERASED_UNDER, None, "No retention period runs.")
    if kept.ends_on is None:
        why = (
            "It must be kept, and the event that ends the period has not happened or is not known."
        )
        return _of(kept, False, KEPT_BY_LAW, None, why)
    why = "It must be kept until its retention period has ended."
    return _of(kept, False, KEPT_BY_LAW, kept.ends_on, why)


def _of(kept: Kept, erase: bool, article: str, ends_on: date | None, why: str) -> Part:
    return Part(
        kept.purpose.name,
        erase,
        article,
        tuple(sorted({holding.record_class for holding in kept.holdings})),
        sum(holding.records for holding in kept.holdings),
        ends_on,
        why,
    )


def _outcome(parts: Sequence[Part], held: bool) -> Outcome:
    if held:
        return Outcome.RETAINED_LEGAL_CLAIMS
    if all(part.erase for part in parts):
        return Outcome.ERASED
    if any(part.erase for part in parts):
        return Outcome.PARTIALLY_ERASED
    return Outcome.RETAINED_LEGAL_OBLIGATION

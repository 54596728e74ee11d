"""Until when an applicant must be told, and what ended that. Pure: times in, a state out.

Days are counted as spans of 24 hours in UTC, from the moment that a clock starts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from serving.notices.texts import Clock


class State(StrEnum):
    RUNNING = "running"
    ALERT = "alert"
    LATE = "late"
    STOPPED = "stopped"


class Stop(StrEnum):
    """What ends a clock: somebody was told, or there is nothing to tell any more."""

    APPROVED = "approved"
    NOTIFIED = "notified"
    WITHDRAWN = "withdrawn"
    COUNTEROFFER_ACCEPTED = "counteroffer_accepted"
    APPROVED_OFFER_DECLINED = "approved_offer_declined"


@dataclass(frozen=True)
class Running:
    """One clock: since when it runs, on which basis, under which approved clock, and what stopped it, if anything did."""

    basis: str
    started_at: datetime
    clock: Clock
    stopped_by: Stop | None = None
    stopped_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        return self.started_at + timedelta(days=self.clock.days)

    def state(self, now: datetime) -> State:
        if self.stopped_by is not None:
            return State.STOPPED
        if now > self.due_at:
            return State.LATE
        return State.RUNNING if self.alert_day(now) is None else State.ALERT

    def alert_day(self, now: datetime) -> int | None:
        """The last alert day that has come; None before the first."""
        gone = now - self.started_at
        come = [day for day in self.clock.alert_days if gone >= timedelta(days=day)]
        return come[-1] if come else None

    @property
    def stopped_late(self) -> bool:
        """It was stopped, and after it was due."""
        return self.stopped_at is not None and self.stopped_at > self.due_at

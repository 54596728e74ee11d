"""Keeping locks ahead: what must be kept longer than the longest fixed period is locked for longer in time.

An epoch holds records of classes whose period starts later than the record: the documents of a model, kept for years after
its retirement. While that has not happened, the lock stays a whole period ahead of today; once it has, the lock covers the rest.
Keys, policies and checkpoints are locked as long as the longest epoch of their log.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db.models import Q

from audit.action import require
from audit.actions.archive_locks import LongerLock, extend_retention
from audit.archive.store import ArchiveStore
from audit.archive.stores import archive_store
from audit.models import ArchivedObject, Entry, RetentionStart
from audit.retention import NoRule, RecordClass, Schedule
from audit.schedules import retention_schedule

EXTEND = "audit.extend_retention"
# How far the locks of keys and checkpoints may fall behind: extending them costs a request each.
SLACK = timedelta(days=30)
AHEAD = "records whose retention starts later"
BESIDE = "as long as the longest epoch of the log"


def lock_until(
    wanted: Iterable[tuple[ArchivedObject, datetime]], reason: str, *, by: User
) -> list[LongerLock]:
    """Lock objects for longer, where that is longer; what was extended, as the store shows it. Raises ArchiveRefused."""
    require(by, EXTEND)
    store, done = archive_store(), []
    for row, until in wanted:
        if store.locks and until > locked_until(row):
            done.append(LongerLock(row, _extended(store, row, until)))
    if done:
        extend_retention(done, reason, by=by)
    return done


def keep_locks_ahead(today: date, *, by: User) -> list[LongerLock]:
    """The daily task: extend what the schedule asks for. Raises ArchiveRefused or ScheduleUnusable."""
    schedule = retention_schedule()
    epochs = lock_until(_for_later_starts(schedule, today), AHEAD, by=by)
    return epochs + lock_until(_beside_epochs(), BESIDE, by=by)


def locked_until(row: ArchivedObject) -> datetime:
    """The date that the object's lock has by our own rows."""
    extended = [extension.locked_until for extension in row.extensions.all()]
    return max([*extended, row.locked_until or datetime.min.replace(tzinfo=UTC)])


def _extended(store: ArchiveStore, row: ArchivedObject, until: datetime) -> datetime:
    store.extend(row.key, row.version_id, until)
    shown = store.state(row.key, row.version_id).locked_until
    return shown if shown is not None and shown >= until else until


def _for_later_starts(schedule: Schedule, today: date) -> Iterator[tuple[ArchivedObject, datetime]]:
    epochs = _epochs_by_log()
    needed: dict[ArchivedObject, date] = {}
    for record_class in schedule.started_later():
        starts = {
            (start.subject_type, start.subject_id): start.started_on
            for start in RetentionStart.objects.filter(record_class=record_class.name)
        }
        for origin, index, *subject in _places(record_class):
            row = _holding(epochs.get(origin, []), index)
            started_on = starts.get((subject[0], subject[1]))
            if row is None:
                continue
            until = _needed(schedule, record_class, started_on, today, row)
            if until is not None:
                needed[row] = max(needed.get(row, until), until)
    for row, day in needed.items():
        yield row, datetime.combine(day, time.min, UTC)


def _needed(
    schedule: Schedule, record_class: RecordClass, started_on: date | None, today: date, row: ArchivedObject
) -> date | None:  # fmt: skip
    """Until when; None where nothing is to be done. A start that has not happened is looked at anew as the margin is used up."""
    try:
        if started_on is not None:
            return schedule.end_anywhere(record_class.name, started_on) + schedule.lock_margin
        end = schedule.end_anywhere(record_class.name, today)
    except NoRule:
        return None
    return end + schedule.lock_margin if locked_until(row).date() < end else None


def _places(record_class: RecordClass) -> Iterator[tuple[str, int, str, str]]:
    """Where the entries of a class are in their logs, and what each is about."""
    claimed = Q(subject_type__in=record_class.subjects)
    for beginning in record_class.events:
        claimed |= Q(event__startswith=beginning)
    entries = Entry.objects.filter(claimed, leaf__isnull=False)
    return entries.values_list(
        "leaf__origin", "leaf__index", "subject_type", "subject_id"
    ).iterator()


def _epochs_by_log() -> dict[str, list[ArchivedObject]]:
    found: dict[str, list[ArchivedObject]] = defaultdict(list)
    rows = ArchivedObject.objects.exclude(epoch=None).select_related("epoch")
    for row in rows.order_by("epoch__first").prefetch_related("extensions"):
        found[row.origin].append(row)
    return found


def _holding(rows: list[ArchivedObject], index: int) -> ArchivedObject | None:
    place = bisect_right(rows, index, key=lambda row: row.epoch.first if row.epoch else 0) - 1
    row = rows[place] if place >= 0 else None
    return row if row is not None and row.epoch is not None and index <= row.epoch.last else None


def _beside_epochs() -> Iterator[tuple[ArchivedObject, datetime]]:
    longest = {
        origin: max(locked_until(row) for row in rows) for origin, rows in _epochs_by_log().items()
    }
    for row in ArchivedObject.objects.filter(epoch=None).prefetch_related("extensions"):
        until = longest.get(row.origin)
        if until is not None and locked_until(row) < until - SLACK:
            yield row, until

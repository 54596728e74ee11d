"""Hour by hour the log says how many entries and recorded rows it has, so that what is taken away later is missed.

Entries and rows are counted apart, each with a digest of their entries' ids: a row without its entry, or an entry without
its row, shows even where both tables were tampered with consistently.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import QuerySet

from audit.entries import parse
from audit.events import Event
from audit.ids import first_key
from audit.models import Entry
from audit.recorded import RECORDED

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRACE = timedelta(minutes=5)  # no act takes longer from recording to its end (audit.writing)
IDS_PER_QUERY = 500
Counts = dict[str, dict[str, Any]]


def counted(origin: str, begin: datetime, until: datetime) -> dict[str, Counts]:
    """`events` and `records` of the entries of a shard that were made from `begin` and before `until`."""
    ids: dict[str, list[UUID]] = defaultdict(list)
    made = Entry.objects.filter(origin=origin, occurred_at__gte=begin, occurred_at__lt=until)
    # An id is made just before its entry's time, even by a clock that is hours off: a day on each side is all that is read.
    made = made.filter(pk__gte=first_key(begin - DAY), pk__lt=first_key(until + DAY))
    for event, pk in made.order_by().values_list("event", "pk").iterator(chunk_size=2000):
        ids[event].append(pk)
    entries = [pk for some in ids.values() for pk in some]
    return {
        "events": {event: _summary(some) for event, some in sorted(ids.items())},
        "records": dict(sorted(_records(entries))),
    }


def hours_due(origin: str, now: datetime) -> Iterator[datetime]:
    """The beginnings of the whole hours that can be reconciled and were not, oldest first."""
    last = _reconciliations(origin).order_by("-pk").first()
    first = Entry.objects.filter(origin=origin).order_by("pk").first()
    if first is None:
        return
    hour = _moment(public_part(last)["until"]) if last else _whole(first.occurred_at)
    while hour + HOUR + GRACE <= now:
        yield hour
        hour += HOUR


def problems_of(origin: str) -> Iterator[str]:
    """What every reconciliation of a shard said, compared with what the database holds today."""
    for entry in _reconciliations(origin).order_by("pk").iterator():
        said = public_part(entry)
        begin, until = _moment(said["from"]), _moment(said["until"])
        found = counted(origin, begin, until)
        for part in ("events", "records"):
            yield from _differences(part, f"{begin:%Y-%m-%d %H:%M}", said[part], found[part])


def reconciled_hours(origin: str) -> int:
    return _reconciliations(origin).count()


def public_part(entry: Entry) -> dict[str, Any]:
    public: dict[str, Any] = parse(bytes(entry.body))["public"]
    return public


def ids_sha256(ids: Iterable[UUID]) -> str:
    """Hex SHA-256 of the sorted ids as text, each followed by a newline."""
    return hashlib.sha256("".join(f"{pk}\n" for pk in sorted(map(str, ids))).encode()).hexdigest()


def _summary(ids: list[UUID]) -> dict[str, Any]:
    return {"count": len(ids), "ids_sha256": ids_sha256(ids)}


def _records(entries: list[UUID]) -> Iterator[tuple[str, dict[str, Any]]]:
    for model in RECORDED:
        if model.__name__ in getattr(apps.get_app_config(model._meta.app_label), "erasable", ()):
            continue  # these rows go with the person, and the erasure is an entry
        ids: list[UUID] = []
        for start in range(0, len(entries), IDS_PER_QUERY):
            rows = model._default_manager.filter(
                entry_id__in=entries[start : start + IDS_PER_QUERY]
            )
            ids += rows.order_by().values_list("entry_id", flat=True)
        if ids:
            yield model._meta.label_lower, _summary(ids)


def _differences(part: str, hour: str, said: Counts, found: Counts) -> Iterator[str]:
    nothing = {"count": 0, "ids_sha256": ids_sha256([])}
    for name in sorted(set(said) | set(found)):
        was, now = said.get(name, nothing), found.get(name, nothing)
        if was != now:
            other = "" if was["count"] != now["count"] else " others"
            yield (
                f"{part} of the hour from {hour} UTC: the log said {was['count']:,} of {name}, "
                f"the database holds {now['count']:,}{other}"
            )


def _reconciliations(origin: str) -> QuerySet[Entry]:
    return Entry.objects.filter(origin=origin, event=Event.RECONCILIATION)


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

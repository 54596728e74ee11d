"""Restores on their way: what a person asks for by key or day, what the store says, and the copy that is fetched."""

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from audit.action import require
from audit.actions.restores import (
    NoSuchRestore,
    export_restored,
    move_restore,
    request_restores,
)
from audit.archive.drills import DRILL, finish_drill
from audit.archive.reading import fetched
from audit.archive.storage_classes import cold_classes
from audit.archive.store import ArchiveRefused, ArchiveStore, RestoreUnavailable
from audit.archive.stores import archive_store
from audit.models import ArchivedObject, RestoreRequest

State = RestoreRequest.State
REQUEST = "audit.request_restore"


def ask_for_restores(
    *, by: User, tier: str, days: int, reason: str,
    keys: list[str] | None = None, first_on: date | None = None, last_on: date | None = None,
) -> list[RestoreRequest]:  # fmt: skip
    """Ask for objects by key, or for the epochs closed on some days. Raises what `request_restores` raises, or ObjectMissing."""
    require(by, REQUEST)
    store = archive_store()
    rows = _by_key(keys) if keys else _closed_between(first_on, last_on)
    seen = [(row, store.state(row.key, row.version_id).storage_class) for row in rows]
    if not keys:  # of some days, what can be read at once is not asked for
        seen = [(row, found) for row, found in seen if found in cold_classes()]
    return request_restores(seen, by=by, tier=tier, days=days, reason=reason)


def poll_restores(*, by: User) -> None:
    """Send what was asked for to the store, and look how far the rest is. Repeating it has no effect."""
    store, now = archive_store(), timezone.now()
    for request in _moving().select_related("archived__epoch"):
        if request.state == State.REQUESTED:
            _begin(store, request, by)
        elif request.state == State.RESTORING:
            _look(store, request, by)
        elif request.expires_at is not None and request.expires_at <= now:
            move_restore(request.pk, State.EXPIRED, by=by)


def fetch_restored(restore_id: UUID, folder: Path, *, by: User) -> Path:
    """Copy a restored object into a folder, compared with what was archived, and record that it was fetched.

    Raises NoSuchRestore, RestoreElsewhere or ArchiveRefused.
    """
    request = RestoreRequest.objects.select_related("archived").filter(pk=restore_id).first()
    if request is None:
        raise NoSuchRestore(f"There is no restore {restore_id}.")
    require(by, REQUEST)
    path = folder / Path(request.archived.key).name
    with fetched(archive_store(), request.archived) as file:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as out:
            shutil.copyfileobj(file, out, 1 << 20)
    if request.state != State.EXPORTED:
        export_restored(restore_id, by=by)
    return path


def _begin(store: ArchiveStore, request: RestoreRequest, by: User) -> None:
    row = request.archived
    try:
        store.restore(row.key, row.version_id, tier=request.tier, days=request.days)
    except RestoreUnavailable as refusal:
        move_restore(request.pk, State.REFUSED, by=by, refusal=refusal.detail)
        return
    move_restore(request.pk, State.RESTORING, by=by)
    _look(store, request, by)


def _look(store: ArchiveStore, request: RestoreRequest, by: User) -> None:
    row = request.archived
    state = store.state(row.key, row.version_id)
    if state.restoring or state.restored_until is None:
        return
    move_restore(request.pk, State.AVAILABLE, by=by, expires_at=state.restored_until)
    if request.reason == DRILL and row.epoch is not None:
        finish_drill(row, by=by)


def _moving() -> QuerySet[RestoreRequest]:
    states = [State.REQUESTED, State.RESTORING, State.AVAILABLE, State.EXPORTED]
    return RestoreRequest.objects.filter(state__in=states).order_by("pk")


def _by_key(keys: list[str]) -> list[ArchivedObject]:
    found = list(ArchivedObject.objects.filter(key__in=keys).order_by("key"))
    missing = sorted(set(keys) - {row.key for row in found})
    if missing:
        raise ArchiveRefused(f"Nothing was archived under {', '.join(missing)}.")
    return found


def _closed_between(first_on: date | None, last_on: date | None) -> list[ArchivedObject]:
    rows = ArchivedObject.objects.exclude(epoch=None).order_by("epoch__first")
    if first_on is not None:
        rows = rows.filter(epoch__closed_at__gte=datetime.combine(first_on, time.min, UTC))
    if last_on is not None:
        day_after = last_on + timedelta(days=1)
        rows = rows.filter(epoch__closed_at__lt=datetime.combine(day_after, time.min, UTC))
    return list(rows)

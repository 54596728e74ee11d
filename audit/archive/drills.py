"""Restore drills: an archive that was never read back is a hope. One random epoch is fetched and verified, and the outcome recorded.

An epoch in cold storage is asked for first, at the cheapest tier; the drill goes on when it is there.
"""

import secrets

from django.contrib.auth.models import User

from audit.action import require
from audit.actions.archive_alarms import Finding, clear_alarm, raise_alarm, record_drill
from audit.actions.restores import request_restores
from audit.archive.reading import epoch_problems, fetched
from audit.archive.store import ArchiveRefused, ObjectCold
from audit.archive.stores import archive_store
from audit.errors import NotFound
from audit.models import ArchiveAlarm, ArchivedObject, RestoreRequest

DRILL = "restore drill"
DRILL_DAYS = 3


class NothingArchived(NotFound):
    """There is no epoch in the archive yet."""


def drill(*, by: User) -> tuple[ArchivedObject, list[str] | None]:
    """Fetch and verify a random epoch: it, and its problems; None where it must be restored from cold storage first.

    Raises NothingArchived, NotPermitted, or ArchiveRefused where it cannot be asked for.
    """
    require(by, "audit.archive_log")
    keys = list(ArchivedObject.objects.exclude(epoch=None).values_list("pk", flat=True))
    if not keys:
        raise NothingArchived("No epoch was archived yet.")
    row = ArchivedObject.objects.get(pk=secrets.choice(keys))
    try:
        return row, finish_drill(row, by=by)
    except ObjectCold:
        state = archive_store().state(row.key, row.version_id)
        under_way = row.restores.filter(state__in=["requested", "restoring"]).exists()
        if not under_way:
            request_restores(
                [(row, state.storage_class)], by=by,
                tier=RestoreRequest.Tier.BULK, days=DRILL_DAYS, reason=DRILL,
            )  # fmt: skip
        return row, None


def finish_drill(row: ArchivedObject, *, by: User) -> list[str]:
    """Fetch, verify, record; a failure is an alarm as well. Raises ObjectCold."""
    assert row.epoch is not None
    try:
        with fetched(archive_store(), row) as file:
            problems = list(epoch_problems(row.epoch, file))
    except ObjectCold:
        raise
    except ArchiveRefused as refusal:
        problems = [refusal.detail]
    record_drill(row, problems, by=by)
    failed = ArchiveAlarm.objects.filter(
        kind=ArchiveAlarm.Kind.DRILL_FAILED, key=row.key, cleared_at=None
    ).first()
    if problems and failed is None:
        raise_alarm(
            Finding(ArchiveAlarm.Kind.DRILL_FAILED, row.key, row.version_id, problems[0]), by=by
        )
    if failed is not None and not problems:
        clear_alarm(failed, by=by)
    return problems

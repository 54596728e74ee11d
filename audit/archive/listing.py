"""The daily look at everything that lies in the archive, versions and delete markers included."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User

from audit.action import require
from audit.actions.archive_alarms import Finding, clear_alarm, raise_alarm, record_listing
from audit.archive.locks import locked_until
from audit.archive.store import ArchiveStore, ObjectMissing, Version
from audit.archive.stores import archive_store
from audit.models import ArchiveAlarm, ArchivedObject, ObjectHold

Kind = ArchiveAlarm.Kind
ARCHIVE_LOG = "audit.archive_log"
Step = Callable[[str], None]


@dataclass(frozen=True)
class Listing:
    """What one look found. `strangers` are keys that no row knows: no alarm, but worth a look."""

    versions: int
    recorded: int
    findings: list[Finding]
    strangers: list[str]


def check_listing(*, by: User, on_object: Step | None = None) -> Listing:
    """List all versions, compare them with what was archived, alarm, and record it. Raises ArchiveRefused, NotPermitted."""
    require(by, ARCHIVE_LOG)
    store = archive_store()
    by_key: dict[str, list[Version]] = defaultdict(list)
    for version in store.versions():
        by_key[version.key].append(version)
    rows = list(ArchivedObject.objects.prefetch_related("extensions").order_by("pk"))
    held = set(
        ObjectHold.objects.filter(in_force_at__isnull=False, released_at=None).values_list(
            "archived_id", flat=True
        )
    )
    findings = []
    for row in rows:
        if on_object is not None:
            on_object(row.key)
        findings += list(_findings(store, row, by_key.get(row.key, []), row.pk in held))
    strangers = sorted(set(by_key) - {row.key for row in rows})
    _alarm(findings, by)
    versions = sum(len(found) for found in by_key.values())
    record_listing(type(store).__name__, versions, len(rows), findings, by=by)
    return Listing(versions, len(rows), findings, strangers)


def _findings(
    store: ArchiveStore, row: ArchivedObject, versions: list[Version], held: bool
) -> Iterator[Finding]:
    for version in versions:
        if version.is_delete_marker:
            yield Finding(Kind.DELETE_MARKER, row.key, version.version_id, f"{row.key} was hidden by a delete marker.")  # fmt: skip
        elif version.version_id != row.version_id:
            yield Finding(Kind.SECOND_VERSION, row.key, version.version_id, f"Another version of {row.key} was written.")  # fmt: skip
    try:
        state = store.state(row.key, row.version_id)
    except ObjectMissing:
        yield Finding(Kind.MISSING, row.key, row.version_id, f"{row.key} is gone.")
        return
    if state.size != row.size or state.sha256 not in (None, row.sha256):
        yield Finding(Kind.CHANGED, row.key, row.version_id, f"{row.key} is not what was archived.")
    until = locked_until(row)
    if store.locks and (state.locked_until is None or state.locked_until < until):
        detail = f"{row.key} was locked until {until:%Y-%m-%d}; the archive says {state.locked_until or 'not at all'}."
        yield Finding(Kind.LOCK_SHORTENED, row.key, row.version_id, detail)
    if held and not state.held:
        yield Finding(
            Kind.HOLD_OFF, row.key, row.version_id, f"The legal hold of {row.key} is off."
        )


def _alarm(findings: list[Finding], by: User) -> None:
    """One alarm as long as something is found; what is found no longer is cleared."""
    found = {(str(finding.kind), finding.key, finding.version_id): finding for finding in findings}
    listed = ArchiveAlarm.objects.filter(cleared_at=None).exclude(kind=Kind.DRILL_FAILED)
    known = {(str(alarm.kind), alarm.key, alarm.version_id): alarm for alarm in listed}
    for place, finding in found.items():
        if place not in known:
            raise_alarm(finding, by=by)
    for place, alarm in known.items():
        if place not in found:
            clear_alarm(alarm, by=by)

"""What listings and drills of the archive found."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.events import Event
from audit.models import ArchiveAlarm, ArchivedObject, Entry


@dataclass(frozen=True)
class Finding:
    """One thing under a recorded key that is not as it was archived."""

    kind: str
    key: str
    version_id: str
    detail: str


@action(Event.ARCHIVE_ALARMED, needs="audit.archive_log")
def raise_alarm(finding: Finding, *, by: User) -> ArchiveAlarm:
    """Leave the fact that governance opens an incident from."""
    return ArchiveAlarm.objects.create(
        kind=finding.kind,
        key=finding.key,
        version_id=finding.version_id,
        detail=finding.detail,
        found_at=timezone.now(),
        entry=record(
            subject=("audit.archive", finding.key),
            kind=finding.kind,
            version_id=finding.version_id,
            detail=finding.detail,
        ),
    )


@action(Event.ALARM_CLEARED, needs="audit.archive_log")
def clear_alarm(alarm: ArchiveAlarm, *, by: User) -> ArchiveAlarm:
    """A later look no longer found it. The incident is for people to close."""
    alarm.cleared_at = timezone.now()
    alarm.save(update_fields=["cleared_at"])
    record(subject=("audit.archive", alarm.key), kind=alarm.kind, version_id=alarm.version_id)
    return alarm


@action(Event.ARCHIVE_LISTED, needs="audit.archive_log")
def record_listing(
    place: str, versions: int, recorded: int, findings: Sequence[Finding], *, by: User
) -> Entry:
    """Record that everything was listed and compared, whatever was found."""
    return record(
        subject=("audit.archive", place),
        versions=versions,
        recorded=recorded,
        findings=len(findings),
    )


@action(Event.ARCHIVE_DRILLED, needs="audit.archive_log")
def record_drill(row: ArchivedObject, problems: Sequence[str], *, by: User) -> Entry:
    """Record the outcome of fetching and verifying one epoch."""
    return record(
        subject=("audit.archive", row.key),
        holds=not problems,
        bytes=row.size,
        problem_count=len(problems),
        problems=[problem[:500] for problem in problems[:20]],
    )

"""The daily listing: whatever is not as it was archived is an alarm, once, until it is gone again."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from audit.archive.listing import check_listing
from audit.errors import NotPermitted
from audit.models import ArchiveAlarm, ArchivedObject, Entry, Epoch
from audit.verification import Verification, check_archive
from tests.audit.archive.servers import KNOWN_DIFFERENCES, Bucket, in_days


def listed(keeper: User) -> list[tuple[str, str]]:
    return sorted((f.kind, f.key) for f in check_listing(by=keeper).findings)


@pytest.fixture
def on_s3(s3_archive: Bucket, archived_log: str) -> Bucket:
    return s3_archive


def test_an_archive_as_it_was_left_raises_nothing_and_that_is_recorded(
    on_s3: Bucket, archived_log: str, keeper: User
) -> None:
    found = check_listing(by=keeper)

    assert found.findings == found.strangers == []
    assert found.recorded == found.versions == ArchivedObject.objects.count()
    assert Entry.objects.filter(event="audit.archive.listed").count() == 1
    row = ArchivedObject.objects.exclude(epoch=None).get()
    assert row.version_id
    assert row.locked_until == Epoch.objects.get().locked_until
    checked = Verification(archived_log)
    check_archive(checked)
    assert checked.problems == []


def test_a_delete_marker_is_an_alarm_until_it_is_removed(on_s3: Bucket, keeper: User) -> None:
    key = Epoch.objects.get().key
    marker = on_s3.s3.delete_object(Bucket=on_s3.name, Key=f"log/{key}")["VersionId"]

    assert listed(keeper) == listed(keeper) == [("delete_marker", key)]
    assert ArchiveAlarm.objects.count() == 1
    alarm = ArchiveAlarm.objects.get()
    assert (alarm.version_id, alarm.entry.event) == (marker, "audit.archive.alarmed")
    on_s3.s3.delete_object(Bucket=on_s3.name, Key=f"log/{key}", VersionId=marker)
    assert listed(keeper) == []
    alarm.refresh_from_db()
    assert alarm.cleared_at is not None
    assert Entry.objects.filter(event="audit.archive.alarm_cleared").count() == 1


def test_a_second_version_is_an_alarm_and_the_first_still_counts(
    on_s3: Bucket, keeper: User
) -> None:
    key = Epoch.objects.get().key
    on_s3.put_locked(f"log/{key}", in_days(1))

    assert listed(keeper) == [("second_version", key)]
    with pytest.raises(CommandError, match="Another version"):
        call_command("archive_check")


def test_a_shortened_lock_is_an_alarm(on_s3: Bucket, keeper: User) -> None:
    if (on_s3.server.name, "shorten") not in KNOWN_DIFFERENCES:
        pytest.skip("this server refuses to shorten, as AWS does")
    row = ArchivedObject.objects.exclude(epoch=None).get()
    on_s3.s3.put_object_retention(
        Bucket=on_s3.name,
        Key=f"log/{row.key}",
        VersionId=row.version_id,
        Retention={"Mode": "COMPLIANCE", "RetainUntilDate": in_days(30)},
        BypassGovernanceRetention=True,
    )

    assert listed(keeper) == [("lock_shortened", row.key)]


def test_a_removed_and_a_changed_object_are_alarms(
    archived_log: str, keeper: User, own_folders: Path
) -> None:
    archive = own_folders / "archive"
    (archive / archived_log / "trust/0001/policy").unlink()
    checkpoint = archive / archived_log / f"checkpoints/{302:020d}"
    checkpoint.chmod(0o644)
    checkpoint.write_bytes(b"other")

    assert listed(keeper) == [
        ("changed", f"{archived_log}/checkpoints/{302:020d}"),
        ("missing", f"{archived_log}/trust/0001/policy"),
    ]


def test_a_stranger_in_the_archive_is_named_and_no_alarm(
    archived_log: str, keeper: User, own_folders: Path
) -> None:
    (own_folders / "archive" / "stray").write_bytes(b"")

    found = check_listing(by=keeper)

    assert (found.strangers, found.findings) == (["stray"], [])


def test_nobody_lists_without_the_permission(archived_log: str, lending: User) -> None:
    with pytest.raises(NotPermitted):
        check_listing(by=lending)

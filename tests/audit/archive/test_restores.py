"""Restores from cold storage: asked for with a reason, expected at a time, and read as what was archived."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from audit.actions.restores import (
    RestoreElsewhere,
    RestoreNotPossible,
    RestoreUnderWay,
    move_restore,
    request_restores,
)
from audit.archive.drills import drill
from audit.archive.restores import ask_for_restores, fetch_restored, poll_restores
from audit.archive.storage_classes import expected_at, why_not
from audit.models import ArchiveAlarm, ArchivedObject, Entry, RestoreRequest
from tests.audit.archive.servers import MOTO, Bucket
from tests.audit.tampering import drop_triggers

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("storage_class", "tier", "takes"),
    [
        ("GLACIER", "expedited", timedelta(minutes=5)),
        ("GLACIER", "standard", timedelta(hours=5)),
        ("GLACIER", "bulk", timedelta(hours=12)),
        ("DEEP_ARCHIVE", "standard", timedelta(hours=12)),
        ("DEEP_ARCHIVE", "bulk", timedelta(hours=48)),
    ],
)
def test_the_expected_time_is_what_the_class_promises_at_most(
    storage_class: str, tier: str, takes: timedelta
) -> None:
    assert why_not(storage_class, tier, 1) is None
    assert expected_at(storage_class, tier, NOW) == NOW + takes


@pytest.mark.parametrize(
    ("storage_class", "tier", "size", "reason"),
    [
        ("DEEP_ARCHIVE", "expedited", 1, "knows no expedited"),
        ("GLACIER", "expedited", 250_000_001, "up to 250 MB"),
        ("STANDARD", "bulk", 1, "can be read at once"),
        ("GLACIER_IR", "standard", 1, "can be read at once"),
        ("FOLDER", "standard", 1, "can be read at once"),
    ],
)
def test_a_restore_that_a_class_does_not_offer_is_refused_with_the_reason(
    storage_class: str, tier: str, size: int, reason: str
) -> None:
    assert reason in (why_not(storage_class, tier, size) or "")


@pytest.fixture
def cold(s3_archive: Bucket, archived_log: str) -> ArchivedObject:
    """The epoch after its lifecycle: in Glacier, under a version that we know."""
    s3_archive.server.asked("restore")
    row = ArchivedObject.objects.exclude(epoch=None).get()
    key = f"log/{row.key}"
    body = s3_archive.s3.get_object(Bucket=s3_archive.name, Key=key)["Body"].read()
    version = s3_archive.put(key, body, StorageClass="GLACIER")
    drop_triggers("audit_archivedobject")
    ArchivedObject.objects.filter(pk=row.pk).update(version_id=version)
    row.refresh_from_db()
    return row


def test_a_restore_is_asked_for_becomes_available_and_is_fetched(
    cold: ArchivedObject, keeper: User, tmp_path: Path
) -> None:
    [request] = ask_for_restores(
        by=keeper, tier="bulk", days=3, reason="The examiner asks.", keys=[cold.key]
    )
    assert (request.state, request.storage_class) == ("requested", "GLACIER")
    assert request.expected_at == request.requested_at + timedelta(hours=12)

    poll_restores(by=keeper)

    request.refresh_from_db()
    assert request.state == "available"
    assert request.expires_at is not None
    path = fetch_restored(request.pk, tmp_path / "out", by=keeper)
    assert path.stat().st_size == cold.size
    request.refresh_from_db()
    assert (request.state, request.exported_at is not None) == ("exported", True)
    events = Entry.objects.filter(subject_id=str(request.pk)).order_by("pk")
    assert list(events.values_list("event", flat=True)) == [
        "audit.restore.requested",
        *["audit.restore.moved"] * 3,
    ]


def test_a_copy_that_has_expired_is_no_longer_there(cold: ArchivedObject, keeper: User) -> None:
    [request] = ask_for_restores(by=keeper, tier="bulk", days=3, reason="x", keys=[cold.key])
    poll_restores(by=keeper)
    drop_triggers("audit_restorerequest")
    RestoreRequest.objects.update(expires_at=NOW - timedelta(days=365))

    poll_restores(by=keeper)

    request.refresh_from_db()
    assert request.state == "expired"
    with pytest.raises(RestoreElsewhere):
        move_restore(request.pk, "available", by=keeper)


def test_an_object_is_asked_for_once_at_a_time(cold: ArchivedObject, keeper: User) -> None:
    ask_for_restores(by=keeper, tier="bulk", days=3, reason="x", keys=[cold.key])

    with pytest.raises(RestoreUnderWay):
        ask_for_restores(by=keeper, tier="bulk", days=3, reason="x", keys=[cold.key])

    assert RestoreRequest.objects.count() == 1


def test_what_can_be_read_at_once_is_not_restored(archived_log: str, keeper: User) -> None:
    key = ArchivedObject.objects.exclude(epoch=None).get().key

    with pytest.raises(RestoreNotPossible) as refused:
        ask_for_restores(by=keeper, tier="standard", days=3, reason="x", keys=[key])

    assert "can be read at once" in refused.value.errors[0].detail
    assert Entry.objects.filter(event="audit.action_refused").count() == 1
    assert not RestoreRequest.objects.exists()


def test_a_server_that_knows_no_restore_leaves_a_refused_request(
    s3_archive: Bucket, archived_log: str, keeper: User
) -> None:
    """radosgw answers 501; moto refuses because the object is not cold."""
    row = ArchivedObject.objects.exclude(epoch=None).get()
    [request] = request_restores([(row, "GLACIER")], by=keeper, tier="bulk", days=3, reason="x")

    poll_restores(by=keeper)

    request.refresh_from_db()
    assert request.state == "refused"
    said = "was refused" if s3_archive.server.name == MOTO else "knows no restore"
    assert said in request.refusal


def test_a_drill_fetches_an_epoch_and_records_that_it_holds(
    s3_archive: Bucket, archived_log: str, keeper: User
) -> None:
    _, problems = drill(by=keeper)

    assert problems == []
    assert Entry.objects.filter(event="audit.archive.drilled").count() == 1
    call_command("archive_drill")


def test_a_drill_that_fails_is_an_alarm(archived_log: str, keeper: User, own_folders: Path) -> None:
    row = ArchivedObject.objects.exclude(epoch=None).get()
    path = own_folders / "archive" / row.key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"small note", b"smaII note", 1))

    _, problems = drill(by=keeper)

    assert problems == [f"{row.key} was changed in the archive."]
    assert ArchiveAlarm.objects.get().kind == "drill_failed"


def test_a_drill_waits_for_an_epoch_in_cold_storage_and_goes_on_when_it_is_there(
    cold: ArchivedObject, keeper: User
) -> None:
    _, problems = drill(by=keeper)
    assert problems is None
    assert not Entry.objects.filter(event="audit.archive.drilled").exists()

    poll_restores(by=keeper)

    assert Entry.objects.filter(event="audit.archive.drilled").count() == 1
    assert not ArchiveAlarm.objects.exists()

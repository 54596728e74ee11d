"""Locks that grow: records whose retention starts later, and what lies beside the epochs."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User

from audit.actions.archive_locks import NoSuchClass, StartKnown, start_retention
from audit.archive.locks import keep_locks_ahead, lock_until, locked_until
from audit.archive.passes import archive_pass
from audit.archive.stores import archive_store
from audit.errors import NotPermitted
from audit.models import ArchivedObject, Entry, LockExtension, RetentionStart
from audit.schedules import retention_schedule
from audit.sequencer import seal
from tests.audit.acts import some_entries
from tests.audit.archive.servers import Bucket

SHIPPED = Path(__file__).resolve().parents[3] / "audit" / "retention.toml"


@pytest.fixture
def notes_kept(settings: LazySettings, tmp_path: Path) -> None:
    """A schedule in which the tests' notes are model documents: kept seven years from a retirement that is not known yet."""
    text = SHIPPED.read_text().replace("registry.modelversion", "tests.note")
    settings.CREDENCE_RETENTION = tmp_path / "retention.toml"
    settings.CREDENCE_RETENTION.write_text(text)


def epoch_row() -> ArchivedObject:
    return ArchivedObject.objects.exclude(epoch=None).get()


def shown_lock() -> datetime:
    row = epoch_row()
    until = archive_store().state(row.key, row.version_id).locked_until
    assert until is not None
    return until


def test_locks_stay_a_whole_period_ahead_while_the_start_has_not_happened(
    notes_kept: None, s3_archive: Bucket, archived_log: str, keeper: User
) -> None:
    today = epoch_row().read_back_at.date()

    keep_locks_ahead(today, by=keeper)
    first = shown_lock()
    longest = retention_schedule().end_anywhere("technical_documentation", today)
    assert first.date() == longest + timedelta(days=120)
    assert keep_locks_ahead(today + timedelta(days=60), by=keeper) == []
    keep_locks_ahead(today + timedelta(days=400), by=keeper)

    assert shown_lock() > first + timedelta(days=300)
    assert locked_until(epoch_row()) == shown_lock()
    assert Entry.objects.filter(event="audit.archive.lock_extended").exists()


def test_once_every_start_has_happened_the_lock_covers_the_rest_and_grows_no_more(
    s3_archive: Bucket, log: str, keeper: User, notes_kept: None
) -> None:
    some_entries(1, by=keeper)
    seal()
    archive_pass(by=keeper)
    today = epoch_row().read_back_at.date()
    for name in ("model_document", "technical_documentation"):
        start_retention(name, "tests.note", "0", today, by=keeper)

    keep_locks_ahead(today, by=keeper)

    until = retention_schedule().end_anywhere("technical_documentation", today)
    assert shown_lock().date() == until + timedelta(days=120)
    assert keep_locks_ahead(today + timedelta(days=4000), by=keeper) == []


def test_keys_and_checkpoints_are_locked_as_long_as_the_longest_epoch(
    notes_kept: None, s3_archive: Bucket, archived_log: str, keeper: User
) -> None:
    today = epoch_row().read_back_at.date()

    keep_locks_ahead(today, by=keeper)

    rows = ArchivedObject.objects.prefetch_related("extensions")
    assert {locked_until(row) for row in rows} == {shown_lock()}


def test_a_lock_is_never_shortened(s3_archive: Bucket, archived_log: str, keeper: User) -> None:
    before = shown_lock()

    done = lock_until([(epoch_row(), before - timedelta(days=1))], "no reason", by=keeper)

    assert done == []
    assert shown_lock() == before
    assert not LockExtension.objects.exists()


def test_nobody_extends_without_the_permission(
    s3_archive: Bucket, archived_log: str, lending: User
) -> None:
    before = shown_lock()

    with pytest.raises(NotPermitted):
        lock_until([(epoch_row(), before + timedelta(days=1))], "no reason", by=lending)

    assert shown_lock() == before


def test_a_start_is_written_down_once_and_only_for_classes_that_start_later(
    archived_log: str, keeper: User
) -> None:
    start_retention("model_document", "registry.modelversion", "1", date(2026, 1, 1), by=keeper)

    with pytest.raises(StartKnown, match="2026-01-01"):
        start_retention("model_document", "registry.modelversion", "1", date(2027, 1, 1), by=keeper)
    for name in ("decision", "other"):
        with pytest.raises(NoSuchClass):
            start_retention(name, "registry.modelversion", "1", date(2026, 1, 1), by=keeper)
    assert RetentionStart.objects.count() == 1

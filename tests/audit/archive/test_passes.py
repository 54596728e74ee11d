"""The archive: written once, read back, complete under each checkpoint."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from audit import trust, verify
from audit.archive.passes import archive_pass, archived_size
from audit.archive.store import ObjectDiffers
from audit.errors import NotPermitted
from audit.models import ArchivedObject, Entry
from audit.queries import NothingSealed
from audit.sequencer import seal
from tests.audit.acts import some_entries


def test_a_pass_archives_the_whole_sealed_log_and_says_so(
    log: str, keeper: User, own_folders: Path
) -> None:
    some_entries(300, by=keeper)
    seal()

    done = archive_pass(by=keeper)

    assert (done.tree_size, archived_size(log)) == (302, 302)
    assert done.objects == ArchivedObject.objects.count()
    entry = Entry.objects.get(event="audit.log.archived")
    assert ArchivedObject.objects.filter(entry=entry).count() == done.objects
    report = verify.verify_files(
        verify.open_bundle(own_folders / "archive"), "archive", trust.policy_text()
    )
    assert report.holds


def test_a_second_pass_adds_only_what_is_new_and_the_archive_still_holds(
    log: str, keeper: User, own_folders: Path
) -> None:
    for count in (200, 100, 300):
        some_entries(count, by=keeper)
        seal()
        archive_pass(by=keeper)

    keys = list(ArchivedObject.objects.order_by("pk").values_list("key", flat=True))
    assert keys.count(f"{log}/tile/0/000") == 1
    assert keys.count(f"{log}/trust/0001/policy") == 1
    report = verify.verify_files(
        verify.open_bundle(own_folders / "archive"), "archive", trust.policy_text()
    )
    assert report.holds


def test_a_pass_with_nothing_new_writes_nothing(log: str, keeper: User) -> None:
    seal()
    archive_pass(by=keeper)
    entries = Entry.objects.count()

    assert archive_pass(by=keeper).objects == 0
    assert Entry.objects.count() == entries


def test_a_pass_that_crashed_before_it_was_recorded_is_simply_done_again(
    log: str, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal()

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("audit.archive.passes.record_archived", crash)
        with pytest.raises(KeyboardInterrupt):
            archive_pass(by=keeper)
    assert not ArchivedObject.objects.exists()

    assert archive_pass(by=keeper).objects == ArchivedObject.objects.count() > 0


def test_an_archive_that_holds_something_else_stops_the_pass(
    log: str, keeper: User, own_folders: Path
) -> None:
    seal()
    stray = own_folders / "archive" / log / "tile/0/000.p/2"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"other")

    with pytest.raises(ObjectDiffers):
        archive_pass(by=keeper)

    assert not ArchivedObject.objects.exists()


def test_there_is_nothing_to_archive_before_the_first_seal(log: str, keeper: User) -> None:
    with pytest.raises(NothingSealed):
        archive_pass(by=keeper)


def test_nobody_archives_without_the_permission(log: str, lending: User, own_folders: Path) -> None:
    seal()

    with pytest.raises(NotPermitted):
        archive_pass(by=lending)

    assert not (own_folders / "archive").exists()

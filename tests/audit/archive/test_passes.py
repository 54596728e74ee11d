"""A pass: epochs closed under published checkpoints, written once, read back, and complete as a log."""

import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.core.management import call_command

from audit import trust, verify
from audit.archive.passes import archive_pass, archived_size, planned_epochs
from audit.archive.store import ObjectDiffers
from audit.errors import NotPermitted
from audit.models import ArchivedObject, Entry, Epoch
from audit.queries import NothingSealed
from audit.schedules import retention_schedule
from audit.sequencer import seal
from audit.verification import Verification, check_archive
from tests.audit.acts import some_entries
from tests.audit.archive.unpacking import unpacked


def problems_of(origin: str) -> list[str]:
    found = Verification(origin)
    check_archive(found)
    return found.problems


def test_a_pass_archives_the_whole_published_log_as_one_epoch_and_says_so(
    log: str, keeper: User, own_folders: Path
) -> None:
    some_entries(300, by=keeper)
    seal()

    done = archive_pass(by=keeper)

    assert (done.tree_size, archived_size(log), done.epochs) == (302, 302, 1)
    keys = set(ArchivedObject.objects.values_list("key", flat=True))
    epoch = Epoch.objects.get()
    assert keys >= {epoch.key, f"{log}/checkpoints/{302:020d}", f"{log}/trust/0001/policy"}
    assert epoch.key.endswith(f"/{0:012d}-{301:012d}.tar")
    assert not any("/tile/" in key for key in keys)
    for row in ArchivedObject.objects.all():
        assert (own_folders / "archive" / row.key).stat().st_size == row.size
    entry = Entry.objects.get(event="audit.log.archived")
    assert ArchivedObject.objects.filter(entry=entry).count() == done.objects == len(keys)
    assert problems_of(log) == []


def test_the_epochs_unpacked_together_are_a_log_that_the_offline_verifier_reads(
    log: str, keeper: User, own_folders: Path, tmp_path: Path
) -> None:
    for count in (200, 100, 300):
        some_entries(count, by=keeper)
        seal()
        archive_pass(by=keeper)

    together = unpacked(own_folders / "archive", tmp_path / "together")
    report = verify.verify_files(verify.open_bundle(together), "archive", trust.policy_text())

    assert report.holds, report
    assert Epoch.objects.count() == 3
    assert (together / log / "tile/0/000").stat().st_size == 256 * 32
    assert ArchivedObject.objects.filter(key__endswith="/policy").count() == 1
    assert problems_of(log) == []


def test_an_epochs_object_is_the_same_bytes_whenever_it_is_made(
    log: str, keeper: User, tmp_path: Path
) -> None:
    from audit.archive.epochs import write_epoch

    some_entries(300, by=keeper)
    seal()
    archive_pass(by=keeper)
    some_entries(100, by=keeper)
    seal()

    epoch, again = Epoch.objects.get(), tmp_path / "again.tar"
    with again.open("w+b") as file:
        write_epoch(epoch, file)

    row = ArchivedObject.objects.get(epoch=epoch)
    assert again.stat().st_size == row.size
    assert verify.hashlib.sha256(again.read_bytes()).hexdigest() == row.sha256
    with tarfile.open(again) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    assert names[-1] == "manifest.json"
    assert names[:-1] == sorted(names[:-1])
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} == {(0, 0, 0, "", 0o644)}


def test_a_pass_with_nothing_new_writes_nothing(log: str, keeper: User) -> None:
    seal()
    archive_pass(by=keeper)
    entries = Entry.objects.count()

    assert archive_pass(by=keeper).objects == 0
    assert Entry.objects.count() == entries


def test_an_epoch_ends_at_the_checkpoint_before_it_grows_too_large(
    log: str, keeper: User, settings: LazySettings
) -> None:
    for _ in range(6):
        some_entries(400, by=keeper)
        seal()
    settings.CREDENCE_EPOCH_MB = 1

    archive_pass(by=keeper)

    sizes = list(ArchivedObject.objects.exclude(epoch=None).values_list("size", flat=True))
    assert len(sizes) > 1
    assert max(sizes) < 1_300_000
    epochs = list(Epoch.objects.order_by("first").values_list("first", "last"))
    assert [first for first, _ in epochs] == [0, *(last + 1 for _, last in epochs[:-1])]
    assert problems_of(log) == []


def test_between_daily_passes_only_full_epochs_are_closed(
    log: str, keeper: User, settings: LazySettings
) -> None:
    some_entries(400, by=keeper)
    seal()
    assert archive_pass(by=keeper, full_only=True).objects == 0

    for _ in range(5):
        some_entries(400, by=keeper)
        seal()
    settings.CREDENCE_EPOCH_MB = 1
    done = archive_pass(by=keeper, full_only=True)

    assert done.epochs >= 1
    assert done.tree_size < 2402


def test_an_epoch_is_locked_for_the_longest_fixed_period_of_the_schedule(
    log: str, keeper: User
) -> None:
    seal()

    archive_pass(by=keeper)

    epoch = Epoch.objects.get()
    until = retention_schedule().locked_until(epoch.closed_at.date())
    assert epoch.locked_until == datetime(until.year, until.month, until.day, tzinfo=UTC)
    assert until.year >= epoch.closed_at.year + 7


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    log: str, keeper: User, own_folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some_entries(10, by=keeper)
    seal()
    entries = Entry.objects.count()

    call_command("archive", "--dry-run")

    assert "0 to 11" in capsys.readouterr().out
    assert [(plan.first, plan.last) for plan in planned_epochs()] == [(0, 11)]
    assert Entry.objects.count() == entries
    assert not (own_folders / "archive").exists()


def test_a_pass_that_crashed_before_it_was_recorded_finds_its_objects_in_place(
    log: str, keeper: User, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_entries(300, by=keeper)
    seal()

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("audit.archive.passes.record_archived", crash)
        with pytest.raises(KeyboardInterrupt):
            archive_pass(by=keeper)
    before = files_below(own_folders / "archive")
    assert not ArchivedObject.objects.exists()
    some_entries(50, by=keeper)
    seal()

    archive_pass(by=keeper)

    after = files_below(own_folders / "archive")
    assert before.items() <= after.items()
    assert sorted(after) == sorted(ArchivedObject.objects.values_list("key", flat=True))
    assert Epoch.objects.count() == 2
    assert problems_of(log) == []


def files_below(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file by name, with its bytes and its inode: what was written anew has another one."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_ino)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_archive_that_holds_something_else_stops_the_pass_and_the_next_one_goes_on(
    log: str, keeper: User, own_folders: Path
) -> None:
    seal()
    stray = own_folders / "archive" / log / f"checkpoints/{2:020d}"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"other")

    with pytest.raises(ObjectDiffers):
        archive_pass(by=keeper)
    assert not ArchivedObject.objects.exists()
    stray.unlink()

    assert archive_pass(by=keeper).epochs == 1


SPOILS: dict[str, Callable[[bytes], bytes]] = {
    "one byte of an entry": lambda data: data.replace(b"small note", b"smaII note", 1),
    "the end": lambda data: data[:-512] + b"x" * 512,
    "half of it": lambda data: data[: len(data) // 2],
    "everything": lambda _: b"",
}


@pytest.mark.parametrize("what", SPOILS)
def test_a_changed_epoch_is_named(log: str, keeper: User, own_folders: Path, what: str) -> None:
    some_entries(300, by=keeper)
    seal()
    archive_pass(by=keeper)
    path = own_folders / "archive" / Epoch.objects.get().key
    path.chmod(0o644)
    path.write_bytes(SPOILS[what](path.read_bytes()))

    assert any(Epoch.objects.get().key in problem for problem in problems_of(log))


def test_a_removed_object_is_named(log: str, keeper: User, own_folders: Path) -> None:
    seal()
    archive_pass(by=keeper)
    (own_folders / "archive" / log / "trust/0001/policy").unlink()

    assert problems_of(log) == [f"archive: The archive has no {log}/trust/0001/policy."]


def test_there_is_nothing_to_archive_before_the_first_seal(log: str, keeper: User) -> None:
    with pytest.raises(NothingSealed):
        archive_pass(by=keeper)


def test_nobody_archives_without_the_permission(log: str, lending: User, own_folders: Path) -> None:
    seal()

    with pytest.raises(NotPermitted):
        archive_pass(by=lending)

    assert not (own_folders / "archive").exists()
    assert not Epoch.objects.exists()

"""The archive as a folder: written once, read back, never replaced."""

import hashlib
import io
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.archive.folder import WriteOnceFolder
from audit.archive.store import (
    ArchiveNotReady,
    ArchiveRefused,
    ObjectDiffers,
    ObjectMissing,
    RestoreUnavailable,
    Stored,
)

UNTIL = datetime(2034, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> WriteOnceFolder:
    return WriteOnceFolder(tmp_path / "archive")


def put(folder: WriteOnceFolder, key: str, data: bytes) -> Stored:
    sha256 = hashlib.sha256(data).hexdigest()
    return folder.put(key, io.BytesIO(data), sha256=sha256, locked_until=UNTIL)


def test_an_object_is_written_once_and_cannot_be_written_to(
    folder: WriteOnceFolder, tmp_path: Path
) -> None:
    put(folder, "a/b", b"bytes")
    put(folder, "a/b", b"bytes")

    assert folder.get("a/b") == b"bytes"
    assert stat.S_IMODE((tmp_path / "archive/a/b").stat().st_mode) == 0o444
    assert list(folder.names()) == ["a/b"]
    assert [(v.key, v.is_latest, v.is_delete_marker) for v in folder.versions()] == [
        ("a/b", True, False)
    ]


def test_other_bytes_under_the_same_key_are_refused_and_the_first_stay(
    folder: WriteOnceFolder,
) -> None:
    put(folder, "a", b"first")

    with pytest.raises(ObjectDiffers):
        put(folder, "a", b"second")

    assert folder.get("a") == b"first"


def test_bytes_that_are_not_what_their_digest_says_are_refused(folder: WriteOnceFolder) -> None:
    with pytest.raises(ObjectDiffers):
        folder.put("a", io.BytesIO(b"bytes"), sha256="0" * 64, locked_until=UNTIL)


def test_an_object_that_is_not_there_is_missing(folder: WriteOnceFolder) -> None:
    put(folder, "a/b", b"")

    for key in ("x", "a"):
        with pytest.raises(ObjectMissing):
            folder.get(key)
        with pytest.raises(ObjectMissing):
            folder.hold(key)
        with pytest.raises(ObjectMissing):
            folder.state(key)


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/"])
def test_a_key_that_leads_out_of_the_archive_is_refused(folder: WriteOnceFolder, key: str) -> None:
    with pytest.raises(ArchiveRefused):
        put(folder, key, b"")


def test_a_write_that_a_crash_cut_off_leaves_no_object(
    folder: WriteOnceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("audit.archive.folder.os.link", crash)
    with pytest.raises(KeyboardInterrupt):
        put(folder, "a", b"bytes")

    assert list(folder.names()) == []


def test_a_legal_hold_is_a_marker_beside_the_archive_and_can_be_released(
    folder: WriteOnceFolder, tmp_path: Path
) -> None:
    put(folder, "a/b", b"bytes")

    folder.hold("a/b")
    folder.hold("a/b")

    assert folder.state("a/b").held
    assert list(folder.names()) == ["a/b"]
    assert (tmp_path / "archive.holds/a/b").exists()
    folder.release("a/b")
    folder.release("a/b")
    assert not folder.state("a/b").held


def test_a_folder_claims_no_lock_and_has_nothing_to_restore(folder: WriteOnceFolder) -> None:
    stored = put(folder, "a", b"bytes")

    assert stored.locked_until is None
    assert folder.state("a").sha256 == hashlib.sha256(b"bytes").hexdigest()
    assert not folder.locks
    with pytest.raises(RestoreUnavailable):
        folder.restore("a", "", tier="standard", days=1)


def test_an_archive_that_cannot_be_a_folder_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ArchiveNotReady):
        WriteOnceFolder(tmp_path / "file" / "archive").require_ready()
    WriteOnceFolder(tmp_path / "new" / "archive").require_ready()

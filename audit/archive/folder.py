"""The archive as a folder on one machine: files without write permission, never replaced.

Whoever owns the folder can still change it. What that person cannot do is change it unseen: the signed tree says
what every file must hold. A legal hold is a marker file in the folder `<archive>.holds` beside it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

from audit.archive.store import (
    ArchiveNotReady,
    ArchiveRefused,
    ObjectDiffers,
    ObjectMissing,
    ObjectState,
    RestoreUnavailable,
    Stored,
    Version,
)
from audit.digests import sha256_of

PART = ".part"
STORAGE_CLASS = "FOLDER"


class WriteOnceFolder:
    """An ArchiveStore in a local folder. It keeps no lock: who owns it can delete."""

    locks = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def require_ready(self) -> None:
        nearest = next(p for p in (self._folder, *self._folder.parents) if p.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise ArchiveNotReady(f"The archive folder {self._folder} cannot be written.")

    def put(self, key: str, file: IO[bytes], *, sha256: str, locked_until: datetime) -> Stored:
        path = self._path(key)
        if not path.exists():
            self._write(path, file)
        with path.open("rb") as stored:
            if sha256_of(stored) != sha256:
                raise ObjectDiffers(f"The archive holds other bytes under {key}.")
        return Stored("", None)

    def open(self, key: str, version_id: str = "") -> AbstractContextManager[IO[bytes]]:
        return self._existing(key).open("rb")

    def get(self, key: str) -> bytes:
        return self._existing(key).read_bytes()

    def names(self) -> Iterator[str]:
        files = (p for p in self._folder.rglob("*") if p.is_file() and p.suffix != PART)
        return (path.relative_to(self._folder).as_posix() for path in sorted(files))

    def state(self, key: str, version_id: str = "") -> ObjectState:
        path = self._existing(key)
        with path.open("rb") as file:
            sha256 = sha256_of(file)
        return ObjectState(
            key, "", path.stat().st_size, sha256, None, self._marker(key).exists(), STORAGE_CLASS
        )

    def extend(self, key: str, version_id: str, locked_until: datetime) -> None:
        self._existing(key)

    def hold(self, key: str, version_id: str = "") -> None:
        self._existing(key)
        marker = self._marker(key)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        _sync_folder(marker.parent)

    def release(self, key: str, version_id: str = "") -> None:
        self._existing(key)
        self._marker(key).unlink(missing_ok=True)

    def restore(self, key: str, version_id: str, *, tier: str, days: int) -> None:
        raise RestoreUnavailable(f"{key} lies in a folder and can be read at once.")

    def versions(self) -> Iterator[Version]:
        return (Version(name, "", is_delete_marker=False, is_latest=True) for name in self.names())

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if key != "/".join(parts) or not parts or parts[0] == "/" or ".." in parts:
            raise ArchiveRefused(f"{key!r} is not a key of an archive object.")
        return self._folder.joinpath(*parts)

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise ObjectMissing(f"The archive has no {key}.")
        return path

    def _marker(self, key: str) -> Path:
        return self._folder.with_name(f"{self._folder.name}.holds") / key

    def _write(self, path: Path, source: IO[bytes]) -> None:
        """Under another name first, then linked: a crash leaves a stray part, and a link never replaces a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        source.seek(0)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=PART) as file:
            shutil.copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
            try:
                os.link(file.name, path)
            except FileExistsError:
                return  # another process was faster: the bytes are compared by the caller
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new name lasts through a power cut only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

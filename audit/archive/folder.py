"""The archive as a folder on one machine: files without write permission, never replaced.

Whoever owns the folder can still change it. What that person cannot do is change it unseen: the signed tree says
what every file must hold.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from django.conf import settings

from audit.archive.store import ArchiveRefused, ArchiveStore, ObjectDiffers, ObjectMissing

PART = ".part"


class WriteOnceFolder:
    """An ArchiveStore in a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        if not path.exists():
            self._write(path, data)
        if path.read_bytes() != data:
            raise ObjectDiffers(f"The archive holds other bytes under {key}.")

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            raise ObjectMissing(f"The archive has no {key}.") from None

    def names(self) -> Iterator[str]:
        files = (p for p in self._folder.rglob("*") if p.is_file() and p.suffix != PART)
        return (path.relative_to(self._folder).as_posix() for path in sorted(files))

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if key != "/".join(parts) or not parts or parts[0] == "/" or ".." in parts:
            raise ArchiveRefused(f"{key!r} is not a key of an archive object.")
        return self._folder.joinpath(*parts)

    def _write(self, path: Path, data: bytes) -> None:
        """Under another name first, then linked: a crash leaves a stray part, and a link never replaces a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=PART) as file:
            file.write(data)
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


def archive_store() -> ArchiveStore:
    return WriteOnceFolder(Path(settings.CREDENCE_ARCHIVE))

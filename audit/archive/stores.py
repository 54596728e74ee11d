"""The archive that this installation writes to: CREDENCE_ARCHIVE names a folder, or `s3://bucket/prefix`."""

from pathlib import Path

from django.conf import settings

from audit.archive.folder import WriteOnceFolder
from audit.archive.store import ArchiveStore


def archive_store() -> ArchiveStore:
    return WriteOnceFolder(Path(settings.CREDENCE_ARCHIVE))

"""The content store: bytes kept once, under their SHA-256, and checked whenever they are read.

CREDENCE_STORE names a folder, or `s3://bucket/prefix` in a bucket with Object Lock: there every object
is locked in COMPLIANCE mode, applicants' rows for a day alone, and whoever may write to the bucket can hide it under a newer version,
which is found by its digest, but not replace it.
"""

import hashlib
import io
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from django.conf import settings
from django.utils import timezone

from audit.digests import sha256_of
from audit.errors import NotStored, StoredBytesDiffer, StoreRefused

if TYPE_CHECKING:
    from audit.archive.s3 import LockedBucket

S3 = "s3://"
ROWS_OF_PEOPLE = frozenset({"datasets", "baselines"})
"""Kinds that hold applicants' rows: in a bucket they are locked for a day and no longer, so that they can go when a person goes."""


class Store(Protocol):
    """Where bytes are kept under `<kind>/<2 hex>/<sha256>`."""

    def put(self, kind: str, data: bytes) -> str:
        """Store the bytes and return their SHA-256 as hex. The same bytes again change nothing.

        Raises StoreRefused, or StoredBytesDiffer where others lie under that digest.
        """

    def put_file(self, kind: str, file: IO[bytes]) -> str:
        """What `put` does, for a file of which no more than a part is in memory at once."""

    def get(self, kind: str, sha256: str) -> bytes:
        """Raises NotStored, StoreRefused, or StoredBytesDiffer when the bytes are not those that were stored."""


class FolderStore:
    """Write-once files under `<folder>/<kind>/<2 hex>/<sha256>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, kind: str, data: bytes) -> str:
        return self.put_file(kind, io.BytesIO(data))

    def put_file(self, kind: str, file: IO[bytes]) -> str:
        sha256 = sha256_of(file)
        path = self.path(kind, sha256)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, file)
        return sha256

    def get(self, kind: str, sha256: str) -> bytes:
        try:
            data = self.path(kind, sha256).read_bytes()
        except FileNotFoundError:
            raise NotStored(f"The store holds no {kind} under {sha256}.") from None
        return _checked(data, kind, sha256)

    def path(self, kind: str, sha256: str) -> Path:
        return self._folder / _key(kind, sha256)

    def _write(self, path: Path, file: IO[bytes]) -> None:
        # Under another name first: a crash here leaves a stray file and never half of one.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as copy:
            file.seek(0)
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fsync(copy.fileno())
        Path(copy.name).chmod(0o444)
        Path(copy.name).rename(path)


class BucketStore:
    """Objects under `<kind>/<2 hex>/<sha256>` in a bucket with Object Lock, locked for `days` unless they hold people's rows."""

    def __init__(self, bucket: "LockedBucket", days: int) -> None:
        self._bucket, self._days = bucket, days

    def put(self, kind: str, data: bytes) -> str:
        return self.put_file(kind, io.BytesIO(data))

    def put_file(self, kind: str, file: IO[bytes]) -> str:
        from audit.archive.store import ArchiveRefused, ObjectDiffers

        sha256 = sha256_of(file)
        days = 1 if kind in ROWS_OF_PEOPLE else self._days
        until = (timezone.now() + timedelta(days=days)).replace(microsecond=0)
        try:
            self._bucket.put(_key(kind, sha256), file, sha256=sha256, locked_until=until)
        except ObjectDiffers as problem:
            raise StoredBytesDiffer(f"Other bytes lie under {kind}/{sha256}: {problem}") from None
        except ArchiveRefused as problem:
            raise StoreRefused(f"The store did not take {kind}/{sha256}: {problem}") from None
        return sha256

    def get(self, kind: str, sha256: str) -> bytes:
        from audit.archive.store import ArchiveRefused, ObjectMissing

        try:
            data = self._bucket.get(_key(kind, sha256))
        except ObjectMissing:
            raise NotStored(f"The store holds no {kind} under {sha256}.") from None
        except ArchiveRefused as problem:
            raise StoreRefused(f"The store cannot give {kind}/{sha256}: {problem}") from None
        return _checked(data, kind, sha256)


def content_store() -> Store:
    """The store that CREDENCE_STORE names. Raises ArchiveNotReady for an unusable address."""
    place = str(settings.CREDENCE_STORE)
    if not place.startswith(S3):
        return FolderStore(Path(place))
    from audit.archive.stores import locked_bucket  # brings boto3, which a folder does not need

    bucket = locked_bucket(place, settings.CREDENCE_STORE_ENDPOINT)
    return BucketStore(bucket, settings.CREDENCE_STORE_LOCK_DAYS)


def working_files() -> Path:
    """Where files lie that are made anew when asked for, such as bundles: the store's folder, or one beside the bucket."""
    place = str(settings.CREDENCE_STORE)
    return Path(settings.CREDENCE_VAR) / "files" if place.startswith(S3) else Path(place)


def _key(kind: str, sha256: str) -> str:
    return f"{kind}/{sha256[:2]}/{sha256}"


def _checked(data: bytes, kind: str, sha256: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoredBytesDiffer(f"The bytes stored under {kind}/{sha256} were changed.")
    return data

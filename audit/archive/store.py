"""What an archive is: objects that are written once, and never again with other bytes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

from audit.errors import Refusal


class ArchiveRefused(Refusal):
    """The archive did not take, or does not hold, what it should."""

    status = 503


class ObjectDiffers(ArchiveRefused):
    """The archive holds other bytes under this key. They stay; what came later is refused."""


class ObjectMissing(ArchiveRefused):
    """The archive has no object under this key."""


class ArchiveNotReady(ArchiveRefused):
    """The archive cannot keep objects as it must: no versioning, no Object Lock, no such bucket."""


class ObjectCold(ArchiveRefused):
    """The object lies in a storage class that must be restored from before it can be read."""


class RestoreUnavailable(ArchiveRefused):
    """This store, or this object's storage class, knows no such restore."""

    status = 409


@dataclass(frozen=True)
class Stored:
    """An object that was read back and compared: the version that holds it, and until when that is locked."""

    version_id: str
    locked_until: datetime | None


@dataclass(frozen=True)
class ObjectState:
    """What the store says about one version of an object.

    `version_id` is empty and `locked_until` None where the store knows neither. `sha256` is what was noted beside the bytes, None
    where nothing was. `restored_until` is set while a temporary copy of a cold object can be read.
    """

    key: str
    version_id: str
    size: int
    sha256: str | None
    locked_until: datetime | None
    held: bool
    storage_class: str
    restoring: bool = False
    restored_until: datetime | None = None


@dataclass(frozen=True)
class Version:
    """One line of a listing: a version of an object, or a marker that hides it."""

    key: str
    version_id: str
    is_delete_marker: bool
    is_latest: bool


class ArchiveStore(Protocol):
    """One member of the archive. Keys are relative paths: no empty part, no `.` and no `..`."""

    @property
    def locks(self) -> bool:
        """True where the store itself refuses to delete or to shorten."""

    def require_ready(self) -> None:
        """Raises ArchiveNotReady, with what is wrong and what to do."""

    def put(self, key: str, file: IO[bytes], *, sha256: str, locked_until: datetime) -> Stored:
        """Write once, lock, read back and compare. The same bytes again change nothing. Raises ObjectDiffers.

        `file` is read from its beginning, perhaps more than once.
        """

    def open(self, key: str, version_id: str = "") -> AbstractContextManager[IO[bytes]]:
        """The bytes of one version, else of the newest. Raises ObjectMissing or ObjectCold."""

    def get(self, key: str) -> bytes:
        """All bytes at once, for small objects. Raises ObjectMissing or ObjectCold."""

    def names(self) -> Iterator[str]:
        """Every object that can be seen, in order."""

    def state(self, key: str, version_id: str = "") -> ObjectState:
        """Raises ObjectMissing."""

    def extend(self, key: str, version_id: str, locked_until: datetime) -> None:
        """Lock a version for longer. Never shortens. Raises ObjectMissing or ArchiveRefused."""

    def hold(self, key: str, version_id: str = "") -> None:
        """Put the object under legal hold, beside any lock. Twice is once. Raises ObjectMissing."""

    def release(self, key: str, version_id: str = "") -> None:
        """Take the legal hold off. Where none is on, nothing changes. Raises ObjectMissing."""

    def restore(self, key: str, version_id: str, *, tier: str, days: int) -> None:
        """Ask for a temporary copy of a cold object. Raises RestoreUnavailable or ObjectMissing."""

    def versions(self) -> Iterator[Version]:
        """Every version and every delete marker, whether or not it can be seen."""

"""What an archive is: objects that are written once, and never again with other bytes."""

from collections.abc import Iterator
from typing import Protocol

from audit.errors import Refusal


class ArchiveRefused(Refusal):
    """The archive did not take, or does not hold, what it should."""

    status = 503


class ObjectDiffers(ArchiveRefused):
    """The archive holds other bytes under this key. They stay; what came later is refused."""


class ObjectMissing(ArchiveRefused):
    """The archive has no object under this key."""


class ArchiveStore(Protocol):
    """One member of the archive. Keys are relative paths: no empty part, no `.` and no `..`."""

    def put(self, key: str, data: bytes) -> None:
        """Write once, read back and compare. The same bytes again change nothing. Raises ObjectDiffers."""

    def get(self, key: str) -> bytes:
        """Raises ObjectMissing."""

    def names(self) -> Iterator[str]:
        """Every object, in order."""

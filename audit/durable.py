"""Small files that must survive a power cut, and that nobody but their owner reads."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Whoever reads `path`, even after a crash at any moment, finds the earlier bytes or these."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    move(fresh, path)


def move(source: Path, target: Path) -> None:
    """Rename within a folder or between two of one file system: at once, and for good."""
    source.rename(target)
    for folder in {source.parent, target.parent}:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # or a power cut could bring the earlier file back
        finally:
            os.close(descriptor)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Within the block, no other process that takes the same lock file runs."""
    with os.fdopen(os.open(lock, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""The content store: bytes kept once, under their SHA-256, and checked whenever they are read."""

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings

from audit.errors import NotStored, StoredBytesDiffer


class ContentStore:
    """Write-once files under `<folder>/<kind>/<2 hex>/<sha256>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, kind: str, data: bytes) -> str:
        """Store the bytes and return their SHA-256 as hex. The same bytes again change nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(kind, sha256)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, data)
        return sha256

    def get(self, kind: str, sha256: str) -> bytes:
        """Raises NotStored, or StoredBytesDiffer when the bytes are not those that were stored."""
        try:
            data = self.path(kind, sha256).read_bytes()
        except FileNotFoundError:
            raise NotStored(f"The store holds no {kind} under {sha256}.") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoredBytesDiffer(f"The bytes stored under {kind}/{sha256} were changed.")
        return data

    def path(self, kind: str, sha256: str) -> Path:
        return self._folder / kind / sha256[:2] / sha256

    def _write(self, path: Path, data: bytes) -> None:
        # Under another name first: a crash here leaves a stray file and never half of one.
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(0o444)
        Path(file.name).rename(path)


def content_store() -> ContentStore:
    return ContentStore(Path(settings.CREDENCE_STORE))

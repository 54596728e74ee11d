"""Writing an evidence bundle: a zip whose every byte the verifier can account for.

Files are stored, not compressed, without times; `manifest.json` lists each with its digest, and `manifest.note` is
signed over the manifest. Pure but for the one file it writes.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

SCHEMA = "credence-bundle/1"
OWNER_ALONE = 0o600  # a bundle may disclose what applicants said
MANIFEST_HEADER = "credence-manifest/v1"


class BundleWriter:
    """A context manager: the bundle exists under its name only once `finish` was called."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._files: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> "BundleWriter":
        self._part.parent.mkdir(parents=True, exist_ok=True)
        self._part.unlink(missing_ok=True)  # of a pass that was killed
        self._part.touch(mode=OWNER_ALONE)
        self._zip = zipfile.ZipFile(self._part, "w", zipfile.ZIP_STORED)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()
        if kind is None:
            self._part.rename(self._path)
        else:
            self._part.unlink(missing_ok=True)

    def add(self, name: str, data: bytes) -> None:
        self._write(name, data)
        self._files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}

    @property
    def files(self) -> int:
        return len(self._files)

    def finish(self, details: dict[str, Any], sign: Callable[[str], str]) -> None:
        """Write the manifest, and the note that `sign` makes of its digest."""
        manifest = {"schema": SCHEMA, **details, "files": self._files}
        data = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
        self._write("manifest.json", data)
        note = sign(f"{MANIFEST_HEADER}\n{hashlib.sha256(data).hexdigest()}\n")
        self._write("manifest.note", note.encode())

    def _write(self, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name)  # dated 1 January 1980
        info.create_system = 3
        info.external_attr = 0o644 << 16
        self._zip.writestr(info, data)

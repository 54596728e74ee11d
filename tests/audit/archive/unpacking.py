"""An archive folder with its epochs unpacked: the plain tlog-tiles tree that their members make together."""

import tarfile
from pathlib import Path


def unpacked(archive: Path, into: Path) -> Path:
    for path in sorted(p for p in archive.rglob("*") if p.is_file()):
        place = path.relative_to(archive)
        if path.suffix != ".tar":
            _write(into / place, path.read_bytes())
            continue
        origin = Path(*place.parts[: place.parts.index("epoch")])
        with tarfile.open(path) as tar:
            for member in tar.getmembers():
                if member.name != "manifest.json":
                    file = tar.extractfile(member)
                    assert file is not None
                    _write(into / origin / member.name, file.read())
    return into


def _write(path: Path, data: bytes) -> None:
    assert not path.exists() or path.read_bytes() == data, f"{path} is there with other bytes."
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

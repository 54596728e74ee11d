"""Pickles, known by what they hold: opening bytes, opcodes, compressed streams, members of zips, object arrays."""

import bz2
import gzip
import io
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Callable

from registry.errors import PickleRefused

PEEK = 4096
_PROTOCOLS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_COMPRESSED_OPENINGS = (
    b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",  # zlib, as joblib's compress=True writes
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x5d\x00\x00",  # lzma
    b"\x04\x22\x4d\x18",  # lz4
    b"\x28\xb5\x2f\xfd",  # zstandard
    b"ZF",  # joblib before 0.10
)  # fmt: skip
_NPY = b"\x93NUMPY"
_ZIP = b"PK"


def require_no_pickle(data: bytes) -> None:
    """Raises PickleRefused for a pickle in any disguise: plain, compressed as joblib does, or a member of a zip.

    Nothing of it is run, and of a compressed stream only the beginning is unpacked.
    """
    if kind := _kind(data):
        raise PickleRefused(f"The bytes are {kind}, which is never loaded. Upload a skops file.")
    if not data.startswith(_ZIP):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    opening = file.read(PEEK)
                if kind := _kind(opening, is_whole=member.file_size <= PEEK):
                    raise PickleRefused(
                        f"The member {member.filename} of the zip is {kind}, which is never loaded."
                    )
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        zlib.error,
    ):
        return  # damaged: the reader of zips says how


def _kind(data: bytes, *, is_whole: bool = True) -> str | None:
    """What kind of pickle the bytes are or begin; None for none."""
    if data.startswith(_PROTOCOLS):
        return "a pickle"
    if data.startswith(_NPY):
        # NumPy keeps an array of objects as a pickle behind its header.
        return "a NumPy array of objects" if b"|O" in _npy_header(data) else None
    if data.startswith(_COMPRESSED_OPENINGS):
        inner = _unpacked(data)
        return (
            "a compressed pickle"
            if inner.startswith(_PROTOCOLS)
            else "compressed as joblib writes a pickle"
        )
    if is_whole and not data.startswith(_ZIP) and _parses(data):
        return "a pickle of an old protocol"
    return None


def _npy_header(data: bytes) -> bytes:
    """The description of the array: its length is two bytes in version 1 and four in later ones."""
    start = 10 if data[6:7] == b"\x01" else 12
    return data[start : start + int.from_bytes(data[8:start], "little")]


def _unpacked(data: bytes) -> bytes:
    readers: tuple[Callable[[], bytes], ...] = (
        lambda: zlib.decompressobj().decompress(data, PEEK),
        lambda: gzip.GzipFile(fileobj=io.BytesIO(data)).read(PEEK),
        lambda: bz2.BZ2Decompressor().decompress(data, PEEK),
        lambda: lzma.LZMADecompressor().decompress(data, PEEK),
    )
    for reader in readers:
        try:
            return reader()
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError):
            continue
    return b""


def _parses(data: bytes) -> bool:
    """Whether bytes without an opening of their own parse as opcodes to the end; nothing in them is run."""
    try:
        return sum(1 for _ in pickletools.genops(data)) > 1
    except (ValueError, IndexError):
        return False

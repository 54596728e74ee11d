"""Digests of files that need not fit into memory."""

import hashlib
from typing import IO


def sha256_of(file: IO[bytes]) -> str:
    """SHA-256 of the whole file in hexadecimal, from its beginning. Where the file stands afterwards is not said."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # `readinto`: every file has it, IO[bytes] does not declare it

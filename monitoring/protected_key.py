"""The key for protected attributes: a file of its own, apart from the vault's and from every signing key.

A process that has no business with protected attributes is deployed without the file, and can then
neither read nor write them whatever role its user has.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from audit.errors import KeyMissing, Refusal

FILE_NAME = "protected.key"
KEY_BYTES = 32


class ProtectedKeyExists(Refusal):
    """The key is never overwritten: every value encrypted under it would be lost."""


@dataclass(frozen=True)
class ProtectedKey:
    """32 bytes, and the name under which rows remember which key they need."""

    key_id: str
    secret: bytes


def key_path() -> Path:
    """Where this installation keeps the key."""
    return Path(settings.CREDENCE_KEYS) / FILE_NAME


def make_protected_key(path: Path) -> None:
    """Make a key file with mode 0600. Raises ProtectedKeyExists."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ProtectedKeyExists(f"{path} exists. It is never overwritten.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def protected_key() -> ProtectedKey:
    """The key of this installation. Raises KeyMissing where the file is absent or is no key."""
    path = key_path()
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError:
        raise KeyMissing(
            f"{path} cannot be read: protected attributes can be neither stored nor read here. "
            "`manage.py protected_key` makes the key of a new installation."
        ) from None
    except binascii.Error:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise KeyMissing(f"{path} does not hold a key of {KEY_BYTES} bytes in base64.")
    name = hashlib.sha256(b"credence-protected-key/v1" + secret).hexdigest()[:16]
    return ProtectedKey(name, secret)

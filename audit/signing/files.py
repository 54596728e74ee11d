"""Keys in files: PEM (PKCS #8), mode 0600. For a laptop, and for ML-DSA where the security module has none."""

from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit import durable
from audit.errors import KeyMissing


class Algorithm(StrEnum):
    ED25519 = "Ed25519"
    ML_DSA_44 = "ML-DSA-44"


FileKey = Ed25519PrivateKey | MLDSA44PrivateKey


def generate(algorithm: Algorithm) -> FileKey:
    if algorithm == Algorithm.ED25519:
        return Ed25519PrivateKey.generate()
    return MLDSA44PrivateKey.generate()


def save(key: FileKey, path: Path) -> None:
    durable.write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def load(path: Path) -> FileKey:
    """Raises KeyMissing, which names the file without its folder."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as problem:
        raise KeyMissing(
            f"{path.name} cannot be read in the folder of keys ({problem.strerror}). "
            "`manage.py keys init` makes the keys of a new log."
        ) from None
    except (ValueError, TypeError):
        raise KeyMissing(f"{path.name} is not a private key in PEM without a password.") from None
    if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
        raise KeyMissing(f"{path.name} is neither an Ed25519 nor an ML-DSA-44 key.")
    return key

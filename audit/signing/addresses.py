"""From the address of a key to the key: `file:NAME`, `pkcs11:...` or `kms:ARN`."""

from pathlib import Path
from urllib.parse import parse_qsl

from audit.notes import PrivateKey
from audit.signing import files
from audit.signing.errors import KeyAddressMalformed
from audit.signing.files import Algorithm
from audit.signing.pkcs11 import Pkcs11Key


def open_key(address: str, folder: Path) -> PrivateKey:
    """The key; `file:` names one in `folder`, or by its whole path.

    Raises KeyAddressMalformed, and KeyMissing for a file. Other keys are asked for when they first sign, and raise
    SignerUnavailable then.
    """
    kind, _, _ = address.partition(":")
    if kind == "file":
        return files.load(_path(address, folder))
    if kind == "pkcs11":
        return Pkcs11Key(address)
    if kind == "kms":
        from audit.signing.kms import KmsKey  # brings boto3, which other keys do not need

        return KmsKey(address)
    raise KeyAddressMalformed(
        f"{address!r} is no address of a key: file:NAME, pkcs11:... or kms:ARN."
    )


def make_or_open(address: str, folder: Path) -> PrivateKey:
    """The key, made where it does not exist yet; a key in KMS is made in AWS and nowhere else.

    `file:NAME?algorithm=ML-DSA-44` makes one of that algorithm, `file:NAME` an Ed25519 key. Raises as `open_key` does.
    """
    kind, _, _ = address.partition(":")
    if kind == "file":
        path = _path(address, folder)
        if not path.exists():
            files.save(files.generate(_algorithm(address)), path)
    key = open_key(address, folder)
    if isinstance(key, Pkcs11Key) and not key.exists():
        key.generate()
    return key


def _path(address: str, folder: Path) -> Path:
    name = address.removeprefix("file:").partition("?")[0]
    if not name:
        raise KeyAddressMalformed("The address `file:` names no file.")
    return folder / name


def _algorithm(address: str) -> Algorithm:
    asked = dict(parse_qsl(address.partition("?")[2])).get("algorithm", Algorithm.ED25519)
    try:
        return Algorithm(asked)
    except ValueError:
        raise KeyAddressMalformed(
            f"{asked!r} is no algorithm of a log key: {', '.join(Algorithm)}."
        ) from None

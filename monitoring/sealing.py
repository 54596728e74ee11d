"""Encrypting one person's protected attributes, bound to whom they are about. Pure."""

import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from monitoring.errors import ProtectedValueUnreadable

Value = str | int | float | bool
NONCE_BYTES = 12
LABEL = b"credence-protected/v1"


def seal(values: Mapping[str, Value], about: str, secret: bytes) -> bytes:
    """Nonce and AES-256-GCM ciphertext; `about` names whose values they are and is authenticated."""
    nonce = os.urandom(NONCE_BYTES)
    plaintext = json.dumps(dict(values), sort_keys=True).encode()
    return nonce + AESGCM(secret).encrypt(nonce, plaintext, _bound_to(about))


def open_sealed(sealed: bytes, about: str, secret: bytes) -> dict[str, Value]:
    """The values again. Raises ProtectedValueUnreadable for another key, another person or changed bytes."""
    try:
        plaintext = AESGCM(secret).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(about)
        )
    except InvalidTag:
        raise ProtectedValueUnreadable(
            f"The protected attributes of {about} do not open under this key."
        ) from None
    values: dict[str, Value] = json.loads(plaintext)
    return values


def _bound_to(about: str) -> bytes:
    return LABEL + b"\n" + about.encode()

"""Encrypting what is kept beside the log under a key of the vault, bound to what it is about. Pure."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.errors import Refusal

NONCE_BYTES = 12


@dataclass(frozen=True)
class Seal:
    """One kind of content: the label that its keys and its ciphertext are bound to, and the refusal where it does not open."""

    label: bytes
    unreadable: type[Refusal]

    def close(self, content: Mapping[str, Any], about: str, key: bytes) -> bytes:
        """Nonce and AES-256-GCM ciphertext of the content as JSON, under 32 bytes; `about` is authenticated."""
        nonce = os.urandom(NONCE_BYTES)
        plaintext = json.dumps(dict(content), sort_keys=True).encode()
        return nonce + AESGCM(key).encrypt(nonce, plaintext, self._bound_to(about))

    def open(self, sealed: bytes, about: str, key: bytes) -> dict[str, Any]:
        """The content again. Raises `unreadable` for another key, label or `about`, or changed bytes."""
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            plaintext = AESGCM(key).decrypt(nonce, ciphertext, self._bound_to(about))
        except InvalidTag:
            raise self.unreadable(
                f"What is kept about {about} does not open under this key."
            ) from None
        content: dict[str, Any] = json.loads(plaintext)
        return content

    def _bound_to(self, about: str) -> bytes:
        return self.label + b"\n" + about.encode()

"""Encrypting an issued letter under its person's key, bound to which letter it is."""

import base64
import json
import os
from dataclasses import dataclass
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.vault import PayloadUnreadable

LABEL = b"credence-explanation-letter/v1"
NONCE_BYTES = 12


@dataclass(frozen=True)
class Issued:
    """What was issued: the facts, and the letter as a page and as a PDF."""

    facts: dict[str, Any]
    issued_on: date
    html: bytes
    pdf: bytes


def seal(issued: Issued, letter_id: str, key: bytes) -> bytes:
    """Nonce and AES-256-GCM ciphertext under 32 bytes; the letter's id is authenticated."""
    content = {
        "facts": issued.facts,
        "issued_on": issued.issued_on.isoformat(),
        "html": issued.html.decode(),
        "pdf": base64.b64encode(issued.pdf).decode(),
    }
    nonce = os.urandom(NONCE_BYTES)
    plaintext = json.dumps(content, sort_keys=True).encode()
    return nonce + AESGCM(key).encrypt(nonce, plaintext, _bound_to(letter_id))


def open_sealed(sealed: bytes, letter_id: str, key: bytes) -> Issued:
    """Raises PayloadUnreadable for another key, another letter or changed bytes."""
    try:
        plaintext = AESGCM(key).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound_to(letter_id)
        )
    except InvalidTag:
        raise PayloadUnreadable(f"Letter {letter_id} does not open under its key.") from None
    content = json.loads(plaintext)
    return Issued(
        content["facts"],
        date.fromisoformat(content["issued_on"]),
        content["html"].encode(),
        base64.b64decode(content["pdf"]),
    )


def _bound_to(letter_id: str) -> bytes:
    return LABEL + b"\n" + letter_id.encode()

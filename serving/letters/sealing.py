"""An issued letter as it is sealed under its person's key, bound to which letter it is."""

import base64
from dataclasses import dataclass
from datetime import date
from typing import Any

from audit.sealing import Seal
from audit.vault import PayloadUnreadable

LETTER = Seal(b"credence-explanation-letter/v1", PayloadUnreadable)


@dataclass(frozen=True)
class Issued:
    """What was issued: the facts, and the letter as a page and as a PDF."""

    facts: dict[str, Any]
    issued_on: date
    html: bytes
    pdf: bytes


def seal(issued: Issued, letter_id: str, key: bytes) -> bytes:
    content = {
        "facts": issued.facts,
        "issued_on": issued.issued_on.isoformat(),
        "html": issued.html.decode(),
        "pdf": base64.b64encode(issued.pdf).decode(),
    }
    return LETTER.close(content, letter_id, key)


def open_sealed(sealed: bytes, letter_id: str, key: bytes) -> Issued:
    """Raises PayloadUnreadable for another key, another letter or changed bytes."""
    content = LETTER.open(sealed, letter_id, key)
    return Issued(
        content["facts"],
        date.fromisoformat(content["issued_on"]),
        content["html"].encode(),
        base64.b64decode(content["pdf"]),
    )

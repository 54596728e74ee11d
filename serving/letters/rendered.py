"""A letter as it was drawn, without what draws it."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Rendered:
    """A letter as it is issued; `renderer` names what drew it."""

    language: str
    issued_on: date
    html: bytes
    pdf: bytes
    renderer: str

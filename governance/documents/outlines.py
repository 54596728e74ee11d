"""Which sections a document has and which rules ask for them, read from `outlines.toml`. Pure."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from governance.documents.content import Legal
from governance.documents.kinds import Kind


@dataclass(frozen=True)
class Planned:
    """One section of an outline. `absent` says what the record of this service does not hold."""

    key: str
    title: str
    clauses: tuple[str, ...] = ()
    absent: str = ""


@dataclass(frozen=True)
class Outline:
    """The sections of one kind of document, in order, and the rules that it answers to."""

    title: str
    rules: tuple[Legal, ...]
    sections: tuple[Planned, ...]


@cache
def outline_of(kind: Kind) -> Outline:
    found = _file()
    document = found["documents"][kind]
    return Outline(
        document["title"],
        tuple(_rule(found["rules"][name]) for name in document["rules"]),
        tuple(
            Planned(**{**section, "clauses": tuple(section.get("clauses", ()))})
            for section in document["sections"]
        ),
    )


def _rule(rule: dict[str, Any]) -> Legal:
    return Legal(**{**rule, "applies_from": str(rule["applies_from"])})


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("outlines.toml").read_text(encoding="utf-8"))

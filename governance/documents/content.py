"""What a document says, before it looks like anything: sentences, tables and pictures, each with the entry it rests on. Pure.

Numbers are texts here, as a reader will see them, so that the same record has the same canonical bytes everywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

SCHEMA = "credence-document/1"
NOT_RECORDED = "not recorded"


class Recorded(Protocol):
    """A row of any table that names the log entry of the act that wrote it."""

    entry_id: UUID


@dataclass(frozen=True)
class Fact:
    """One sentence, or the value of one named field, and the id of the entry that it rests on.

    `entry` is empty only where there is no record to cite, which the text says: see `absent`.
    """

    text: str
    entry: str
    label: str = ""

    @property
    def is_absent(self) -> bool:
        """Whether it says that something is not in the record."""
        return NOT_RECORDED in self.text.lower()


@dataclass(frozen=True)
class Cell:
    """A text whose `state` is shown by colour, sign and word as well."""

    text: str
    state: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a table, and the entry that it rests on."""

    cells: tuple[Cell, ...]
    entry: str


@dataclass(frozen=True)
class Grid:
    """Lines under a header. `wide` is the column that takes the room that is left; the first `left` hold words."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    caption: str = ""
    left: int = 1
    wide: int = 0


@dataclass(frozen=True)
class Picture:
    """A chart of that kind, as the numbers it is drawn from; `alt` says in words what it shows."""

    name: str
    chart: str
    data: Mapping[str, Any]
    caption: str
    alt: str
    entry: str


@dataclass(frozen=True)
class Part:
    """What one section says."""

    facts: tuple[Fact, ...] = ()
    grids: tuple[Grid, ...] = ()
    pictures: tuple[Picture, ...] = ()

    def __add__(self, other: "Part") -> "Part":
        return Part(
            self.facts + other.facts, self.grids + other.grids, self.pictures + other.pictures
        )

    def cited(self) -> Iterator[str]:
        """The entries of its facts, pictures and tables, in the order in which a reader meets them."""
        for fact in self.facts:
            yield fact.entry
        for picture in self.pictures:
            yield picture.entry
        for grid in self.grids:
            for row in grid.rows:
                yield row.entry


@dataclass(frozen=True)
class Section:
    """A part under its heading, and the clauses that ask for it."""

    key: str
    title: str
    clauses: tuple[str, ...]
    part: Part


@dataclass(frozen=True)
class Source:
    """One entry that a document cites: its number there, and what the log says of it."""

    number: int
    entry: str
    event: str
    occurred_at: str
    actor: str


@dataclass(frozen=True)
class Legal:
    """One rule that a document answers to: legal data with where and from when it applies, never a verdict."""

    title: str
    jurisdiction: str
    applies_from: str
    standing: str
    read: str


@dataclass(frozen=True)
class Content:
    """A whole document. `as_of` is the time of the newest entry that it cites."""

    kind: str
    title: str
    subtitle: str
    summary: tuple[tuple[str, Fact], ...]
    sections: tuple[Section, ...]
    rules: tuple[Legal, ...]
    sources: tuple[Source, ...]
    as_of: datetime

    def as_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def facts(self) -> Iterator[Fact]:
        """Every sentence of fact, the summary's first."""
        yield from (fact for _, fact in self.summary)
        for section in self.sections:
            yield from section.part.facts


@dataclass(frozen=True)
class Rendered:
    """A document's page and PDF, and what drew them: with the same `renderer` the same content gives the same bytes."""

    html: bytes
    pdf: bytes
    renderer: str


def number(value: float | None) -> str:
    return NOT_RECORDED if value is None else f"{value:.4g}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """A number with its 95 % interval, where there is one."""
    if value is None:
        return "-"
    shown = number(value)
    return shown if low is None or high is None else f"{shown} ({number(low)} to {number(high)})"


def day(at: datetime | None) -> str:
    return NOT_RECORDED if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def said(text: str, row: Recorded) -> Fact:
    """A sentence that rests on the entry of that row."""
    return Fact(text, str(row.entry_id))


def field(label: str, value: object, row: Recorded) -> Fact:
    """A named field as the row holds it; an empty one is said to be so."""
    if isinstance(value, list | tuple):
        value = "; ".join(str(one) for one in value)
    text = "" if value is None else str(value).strip()
    return Fact(text or NOT_RECORDED, str(row.entry_id), label)


def absent(text: str) -> Fact:
    """That something is not in the record, for which there is nothing to cite."""
    return Fact(f"Not recorded: {text}", "")


def line(row: Recorded, *cells: str | Cell) -> Row:
    shown = tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells)
    return Row(shown, str(row.entry_id))

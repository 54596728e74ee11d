"""Documents that people read and archives keep: one content, rendered as PDF/A and as a web page.

A document is plain data (`Document.as_json()`, or any mapping that a template of its own takes) and
images by name. Templates see values as text and never as code. The same inputs give the same bytes on
every machine: only the fonts that typst brings along are used, and time enters as an argument.
"""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import jinja2
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "document_templates"
PDF_STANDARDS: list[Literal["a-2a", "ua-1"]] = ["a-2a", "ua-1"]
"""Archival with tagged structure (ISO 19005-2, level A), and accessible (ISO 14289-1)."""

DRAWN_BY = ("typst", "vl-convert-python", "altair", "jinja2")
"""The packages whose versions say what drew a document."""

STATE_WORDS = {
    "breach": "breach",
    "watch": "watch",
    "pass": "within limits",
    "stable": "within limits",
    "reference": "control",
    "insufficient_data": "insufficient data",
    "note": "note",
}

EPOCH = datetime.fromtimestamp(0, UTC)

_IMAGE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Cell:
    """A table cell whose `state` (breach, watch, pass, ...) is shown by colour, sign and word."""

    text: str
    state: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header. `left` counts the leading columns that hold words, not numbers; `wide` is the one
    that takes the room that is left."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]
    caption: str = ""
    left: int = 1
    wide: int = 0


@dataclass(frozen=True)
class Figure:
    """An image by its name; `alt` says in words what it shows, for those who cannot see it."""

    image: str
    caption: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A heading, what it says in words, its pictures, its tables, and small print."""

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """One line of the summary: what was found, against which limit."""

    state: str
    text: str


@dataclass(frozen=True)
class Document:
    """What a reader sees, in this order: summary, facts, sections, definitions."""

    title: str
    subtitle: str
    kind: str
    statements: tuple[Statement, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    definitions: tuple[tuple[str, str], ...] = ()
    footer: str = ""
    language: str = "en"
    states: Mapping[str, str] = field(default_factory=lambda: dict(STATE_WORDS))

    def as_json(self) -> dict[str, Any]:
        """The same as plain values, with cells as {text, state}."""
        plain = asdict(self)
        for section in plain["sections"]:
            for table in section["tables"]:
                table["rows"] = [[_cell(value) for value in row] for row in table["rows"]]
        return plain


def render_pdf(
    template: str,
    data: Mapping[str, Any],
    images: Mapping[str, bytes],
    *,
    made_at: datetime = EPOCH,
) -> bytes:
    """PDF/A-2a and PDF/UA-1 from a typst template's text.

    The template reads `json("data.json")` and images as "<name>.svg" or "<name>.png", and may import
    "house.typ". It must set a document title. Raises typst.TypstError for a fault in the template.
    """
    import typst  # not for every web process

    with tempfile.TemporaryDirectory(prefix="document-") as name:
        folder = Path(name)
        (folder / "house.typ").write_text(template_text("house.typ"), encoding="utf-8")
        (folder / "main.typ").write_text(template, encoding="utf-8")
        (folder / "data.json").write_text(json.dumps(data, sort_keys=True), encoding="utf-8")
        for image, content in images.items():
            (folder / _file_name(image, content)).write_bytes(content)
        pdf: bytes = typst.compile(
            str(folder / "main.typ"),
            root=str(folder),
            ignore_system_fonts=True,
            pdf_standards=[*PDF_STANDARDS],
            timestamp=int(made_at.timestamp()),
        )
    return pdf


def render_html(template: str, data: Mapping[str, Any], images: Mapping[str, bytes]) -> bytes:
    """A page that stands alone, from a Jinja template's text: no script, nothing fetched.

    The template sees the keys of `data`, and `image(name)`, which puts an SVG into the page.
    Everything else is escaped; a name that `data` lacks raises jinja2.UndefinedError.
    """
    page = _JINJA.from_string(template)

    def image(name: str) -> Markup:
        return Markup(images[name].decode("utf-8"))  # noqa: S704  charts of ours, whose texts vl-convert escapes

    return page.render(**data, image=image).encode("utf-8")


def template_text(name: str) -> str:
    """One of the product's own templates: `report` or `notice` as .typ or .html, or `house.typ`."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


_JINJA = jinja2.Environment(
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _cell(value: Any) -> dict[str, str]:
    return value if isinstance(value, dict) else {"text": value, "state": ""}


def _file_name(image: str, content: bytes) -> str:
    if not _IMAGE_NAME.fullmatch(image):
        raise ValueError(f"{image!r} is no name for an image: lower-case letters, digits, - and _.")
    return f"{image}.png" if content.startswith(b"\x89PNG") else f"{image}.svg"

"""From a content to a page and a PDF/A: the same sentences, tables and charts in both."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from audit.store import content_store
from governance.documents import content as said
from governance.documents.content import Content, Picture, Rendered
from registry import charts
from registry.documents import (
    DRAWN_BY,
    Cell,
    Document,
    Figure,
    Section,
    Statement,
    Table,
    render_html,
    render_pdf,
    template_text,
)
from registry.measures.statistics import Interval


@dataclass(frozen=True)
class _Band:
    """A band of predicted probabilities as `charts.calibration` takes it."""

    mean_pd: float
    bad_rate: float
    bad_rate_interval: Interval


def render(content: Content, content_sha256: str) -> Rendered:
    """Raises NotStored or StoredBytesDiffer where a plot of the run cannot be read."""
    images = {
        picture.name: _drawn(picture)
        for section in content.sections
        for picture in section.part.pictures
    }
    data = _document(content, content_sha256).as_json()
    return Rendered(
        render_html(template_text("report.html"), data, images),
        render_pdf(template_text("report.typ"), data, images, made_at=content.as_of),
        "; ".join(f"{name} {metadata.version(name)}" for name in DRAWN_BY),
    )


def _document(content: Content, content_sha256: str) -> Document:
    refs = {source.entry: f"[{source.number}]" for source in content.sources}
    return Document(
        title=content.title,
        subtitle=content.subtitle,
        kind=content.kind.replace("_", " ").replace("annex iv", "AI Act file"),
        statements=tuple(Statement(state, _cited(fact, refs)) for state, fact in content.summary),
        facts=(
            ("As of the record at", said.day(content.as_of)),
            ("Entries of the log cited", str(len(content.sources))),
            ("SHA-256 of the content", content_sha256),
            ("Approval", "kept apart from this document, under its digest"),
        ),
        sections=(
            *(_section(section, refs) for section in content.sections),
            _rules(content),
            _sources(content),
        ),
        footer=f"{content.subtitle} · {content.kind.replace('_', ' ')} · content {content_sha256[:16]}",
    )


def _section(section: said.Section, refs: Mapping[str, str]) -> Section:
    part = section.part
    named = [fact for fact in part.facts if fact.label]
    sentences = " ".join(_cited(fact, refs) for fact in part.facts if not fact.label)
    tables = [_named(named, refs)] if named else []
    tables += [_table(grid, refs) for grid in part.grids]
    asked = ", ".join(section.clauses)
    return Section(
        section.title,
        paragraphs=(sentences,) if sentences else (),
        figures=tuple(
            Figure(picture.name, f"{picture.caption} {refs[picture.entry]}", picture.alt)
            for picture in part.pictures
        ),
        tables=tuple(tables),
        notes=(f"Asked for by: {asked}.",) if asked else (),
    )


def _cited(fact: said.Fact, refs: Mapping[str, str]) -> str:
    return f"{fact.text} {refs[fact.entry]}" if fact.entry else fact.text


def _named(facts: list[said.Fact], refs: Mapping[str, str]) -> Table:
    rows = tuple((fact.label, fact.text, refs.get(fact.entry, "")) for fact in facts)
    return Table(("Field", "As recorded", "Source"), rows, left=2, wide=1)


def _table(grid: said.Grid, refs: Mapping[str, str]) -> Table:
    rows: list[tuple[str | Cell, ...]] = [
        (*(Cell(cell.text, cell.state) for cell in row.cells), refs[row.entry]) for row in grid.rows
    ]
    return Table(
        (*grid.columns, "Source"), tuple(rows), grid.caption, left=grid.left, wide=grid.wide
    )


def _rules(content: Content) -> Section:
    rules = tuple(
        f"{rule.title}. {rule.jurisdiction}, applies from {rule.applies_from}. {rule.standing} Read: {rule.read}"
        for rule in content.rules
    )
    return Section(
        "What this document answers to",
        paragraphs=rules,
        notes=("Legal data as this service keeps it; counsel confirms wording and dates.",),
    )


def _sources(content: Content) -> Section:
    rows = tuple(
        (
            f"[{source.number}]",
            source.entry,
            source.event,
            source.occurred_at[:19] + "Z",
            source.actor,
        )
        for source in content.sources
    )
    return Section(
        "Sources",
        paragraphs=("Entries of the log that the sentences above rest on. Each can be proved to be in it, offline.",),
        tables=(Table(("No.", "Entry", "Event", "Occurred at", "Actor"), rows, left=5, wide=2),),
    )  # fmt: skip


def _drawn(picture: Picture) -> bytes:
    data: Mapping[str, Any] = picture.data
    match picture.chart:
        case "plot":
            return content_store().get("plots", data["sha256"])
        case "calibration":
            bands = [
                _Band(
                    float(band["mean_pd"]),
                    float(band["bad_rate"]),
                    Interval(float(band["low"]), float(band["high"])),
                )
                for band in data["bands"]
            ]
            return charts.calibration(bands).encode()
        case "importance":
            title = "Loss of AUC when the feature is shuffled"
            return charts.importance(_floats(data["values"]), title=title).encode()
        case "stability":
            title = "Characteristic stability index"
            return charts.importance(_floats(data["values"]), title=title).encode()
        case "ratios":
            ratios = [
                charts.Ratio(
                    row["label"],
                    row["state"],
                    *(None if row[key] is None else float(row[key]) for key in ("ratio", "low", "high")),
                )
                for row in data["ratios"]
            ]  # fmt: skip
            watch, breach = float(data["watch"]), float(data["breach"])
            return charts.adverse_impact(ratios, watch=watch, breach=breach).encode()
    raise ValueError(f"There is no chart {picture.chart!r}.")


def _floats(values: Mapping[str, str]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}

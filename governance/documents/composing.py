"""Putting a document together: the sections of its outline over the record, and the sources that they cite.

Equal records give equal content, byte for byte: nothing of the clock, of the machine or of who asks is in it.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

from audit.canonical import canonical_json, plain, timestamp
from audit.models import Entry
from governance.documents.content import Content, Fact, Part, Section, Source, absent, number, said
from governance.documents.kinds import DEVELOPMENT, Kind
from governance.documents.outlines import Planned, outline_of
from governance.documents.record import Record
from governance.documents.sections import measured, model, oversight, training
from governance.errors import UnknownDocumentKind
from registry.models import ModelVersion

SECTIONS: dict[str, Callable[[Record], Part]] = {
    "identity": model.identity,
    "purpose": model.purpose,
    "jurisdictions": model.jurisdictions,
    "limitations": model.limitations,
    "risk": model.risk,
    "conceptual_soundness": model.conceptual_soundness,
    "target": model.target,
    "artefact": model.artefact,
    "cybersecurity": model.cybersecurity,
    "oversight": model.oversight,
    "independence": model.independence,
    "data": training.data,
    "sampling": training.sampling,
    "features": training.features,
    "method": training.method,
    "alternatives": training.alternatives,
    "performance": training.performance,
    "importance": training.importance,
    "explanations": training.explanations,
    "decision_rule": training.decision_rule,
    "design": training.design,
    "envelope": training.envelope,
    "gate_verdict": measured.gate_verdict,
    "data_quality": measured.data_quality,
    "outcomes": measured.outcomes,
    "benchmark": measured.benchmark,
    "stability": measured.stability,
    "sensitivity": measured.sensitivity,
    "explanation_challenge": measured.explanation_challenge,
    "implementation": measured.implementation,
    "metric_suitability": measured.metric_suitability,
    "groups": measured.groups,
    "replication": measured.replication,
    "requests": oversight.requests,
    "findings": oversight.findings,
    "validation_cycle": oversight.validation_cycle,
    "restrictions": oversight.restrict,
    "lifecycle": oversight.lifecycle,
    "monitoring_plan": oversight.monitoring_plan,
    "monitoring_reports": oversight.monitoring_reports,
    "incidents": oversight.incidents,
    "documents": oversight.documents,
    "inventory": oversight.inventory,
}


def kind_named(name: str) -> Kind:
    """Raises UnknownDocumentKind."""
    if name not in list(Kind):
        raise UnknownDocumentKind(f"There is no document {name!r}; there are {', '.join(Kind)}.")
    return Kind(name)


def compose(version: ModelVersion, kind: Kind, at: datetime) -> Content:
    """What the document says of the version by the record as it is; `at` chooses the policies in force."""
    record, outline = Record(version, at), outline_of(kind)
    sections = tuple(_section(record, planned) for planned in outline.sections)
    summary = tuple(_summary(record, kind))
    cited = [fact.entry for _, fact in summary]
    cited += [entry for section in sections for entry in section.part.cited()]
    sources, as_of = _sources(list(dict.fromkeys(filter(None, cited))))
    return Content(
        kind=kind,
        title=f"{outline.title}: {record.inventory.body['title']}",
        subtitle=f"{version.model.name}, version {version.number}",
        summary=summary,
        sections=sections,
        rules=outline.rules,
        sources=sources,
        as_of=as_of,
    )


def content_bytes(content: Content) -> bytes:
    """The canonical bytes of a content, whose digest says whether two are equal."""
    return canonical_json(plain(content.as_json()))


def _section(record: Record, planned: Planned) -> Section:
    part = Part((absent(planned.absent),)) if planned.absent else SECTIONS[planned.key](record)
    return Section(planned.key, planned.title, planned.clauses, part)


def _summary(record: Record, kind: Kind) -> Iterator[tuple[str, Fact]]:
    """What a reader has to know first, each with its state."""
    version, held, kept = record.version, record.version.dataset, record.version.artefact
    found = record.run.metrics["holdout"]["performance"]
    algorithm = record.run.get_algorithm_display().lower()
    yield (
        "note",
        said(f"A {algorithm} on {held.rows:,} rows of {held.name}, cut off at {version.cut_off:g}.", version),
    )  # fmt: skip
    yield (
        "note",
        said(
            f"AUC {number(found['auc'])} ({number(found['auc_interval']['low'])} to {number(found['auc_interval']['high'])}) on "
            f"{found['n']:,} rows held out by the developer.",
            kept,
        ),
    )
    if kind in DEVELOPMENT:
        yield (
            "note",
            absent(
                "here. What the gates measure and what people decide comes after this document."
            ),
        )
        return
    if record.report is None:
        yield "insufficient_data", absent(measured.NO_REPORT)
    else:
        yield ("pass" if record.report.passed else "breach"), measured.verdict(record.report)
    yield "note", oversight.findings(record).facts[0]


def _sources(entries: list[str]) -> tuple[tuple[Source, ...], datetime]:
    """The cited entries, numbered in the order in which a reader meets them, and the time of the newest."""
    found = {
        str(entry.pk): entry
        for entry in Entry.objects.filter(pk__in=[UUID(entry) for entry in entries]).defer("body")
    }
    sources = tuple(
        Source(
            position,
            entry,
            found[entry].event,
            timestamp(found[entry].occurred_at),
            found[entry].actor_name,
        )
        for position, entry in enumerate(entries, start=1)
    )
    return sources, max(entry.occurred_at for entry in found.values())

"""Drafting a drift report: read the populations, measure, find, put in words, draw."""

from audit.canonical import digest_json
from monitoring.drafting.drafts import Draft, Frame, results_of
from monitoring.measured import measure_drift
from monitoring.models import Report
from monitoring.queries.populations import reference_of, window_of
from monitoring.queries.reports import earlier_findings
from monitoring.reporting.drift import drift_document
from monitoring.triggers import drift_findings, standing


def draft_drift(frame: Frame) -> Draft:
    """Raises NothingToMeasure where the version decided nothing in the window."""
    limits = frame.limits.drift
    window = window_of(frame.version, frame.start, frame.end)
    reference = reference_of(frame.version)
    reference_pd, reference_words = reference.scores(limits.minimum_reference)
    measured = measure_drift(
        reference.columns, reference.packed, reference_pd, window.packed, window.pd, limits
    )
    findings = (
        drift_findings(measured.columns, measured.shift, limits) if measured.sufficient else []
    )
    earlier = earlier_findings(
        Report.Kind.DRIFT, frame.version, frame.start, limits.persistence.of - 1
    )
    found = [(finding, standing(finding, earlier, limits.persistence)) for finding in findings]
    heading = frame.heading(window.decided_at[-1])
    results = results_of(heading, {"drift": measured.as_json()}, found)
    document = drift_document(
        heading,
        measured,
        found,
        limits,
        reference_words,
        reference_pd,
        window.pd,
        heading.footer(digest_json(results)),
    )
    return frame.draft(Report.Kind.DRIFT, results, found, document)

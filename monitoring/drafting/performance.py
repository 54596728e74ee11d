"""Drafting a performance report on the matured labels of a window."""

import numpy as np

from audit.canonical import digest_json
from monitoring.drafting.drafts import Draft, Frame, results_of, standing_alone
from monitoring.measured import measure_performance
from monitoring.models import Report
from monitoring.queries.populations import window_of
from monitoring.reporting.performance import performance_document
from monitoring.triggers import performance_findings


def draft_performance(frame: Frame) -> Draft:
    """Raises NothingToMeasure where the version decided nothing in the window."""
    limits = frame.limits.performance
    window = window_of(frame.version, frame.start, frame.end)
    measured = measure_performance(
        window.outcomes, window.bad, window.matured, window.pd, frame.version.cut_off, limits
    )
    findings = []
    if measured.sufficient and measured.performance and measured.calibration:
        findings = performance_findings(
            measured.accuracy or 0.0, measured.performance, measured.calibration, limits
        )
    found = [(finding, standing_alone(finding)) for finding in findings]
    heading = frame.heading(window.decided_at[-1])
    results = results_of(heading, {"performance": measured.as_json()}, found)
    document = performance_document(
        heading,
        measured,
        findings,
        limits,
        window.bad,
        window.pd,
        window.matured & ~np.isnan(window.bad),
        heading.footer(digest_json(results)),
    )
    return frame.draft(Report.Kind.PERFORMANCE, results, found, document)

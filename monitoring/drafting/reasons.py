"""Drafting a report on reasons: whether those given to applicants who were declined by score are true."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.canonical import digest_json
from monitoring.drafting.drafts import Draft, Frame, results_of, standing_alone
from monitoring.errors import NothingToMeasure
from monitoring.models import Report
from monitoring.queries.populations import window_of
from monitoring.reasons import evenly, measure_reasons, reason_findings
from monitoring.reporting.reasons import reasons_document
from serving.policy import DecisionOutcome, DecisionPath
from serving.queries import DecisionWindow
from serving.reason_trials import ReasonTrials, try_reasons


@dataclass(frozen=True)
class TriedDeclines:
    """Of `n_declined` declines by score in a window, those at `places` (t,) of it were tried."""

    n_declined: int
    places: NDArray[np.int64]
    trials: ReasonTrials


def draft_reasons(frame: Frame) -> Draft:
    """Raises NothingToMeasure where the policy says nothing of reasons, or nobody was declined by score; ArtefactRefused."""
    limits = frame.limits.reasons
    if limits is None:
        raise NothingToMeasure(f"{frame.policy} says nothing of reasons.")
    window = window_of(frame.version, frame.start, frame.end)
    tried = tried_declines(frame, window, limits.most_tried)
    if not tried.n_declined:
        raise NothingToMeasure(f"{frame.version} declined nobody by score in the window.")
    measured = measure_reasons(
        tried.n_declined,
        [window.reasons[place][0] for place in tried.places],
        tried.trials.faithful,
        tried.trials.agreement,
        limits,
    )
    findings = list(reason_findings(measured, limits))
    found = [(finding, standing_alone(finding)) for finding in findings]
    heading = frame.heading(window.decided_at[-1])
    results = results_of(heading, {"reasons": measured.as_json()}, found)
    footer = heading.footer(digest_json(results))
    document = reasons_document(heading, measured, findings, limits, footer)
    return frame.draft(Report.Kind.REASONS, results, found, document)


def tried_declines(frame: Frame, window: DecisionWindow, most: int) -> TriedDeclines:
    """Try the reasons that were given to at most `most` applicants of the window."""
    by_score = (window.outcomes == DecisionOutcome.DECLINED.value) & (
        window.paths == DecisionPath.SCORE.value
    )
    declined = np.flatnonzero(by_score)
    places = declined[evenly(declined.size, most)]
    given = [window.reasons[place] for place in places]
    trials = try_reasons(frame.version, window.packed[places], given)
    return TriedDeclines(declined.size, places, trials)

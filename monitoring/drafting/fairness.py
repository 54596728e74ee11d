"""Drafting a fairness report: of the window's decisions, of the training data set, or of both."""

from collections.abc import Sequence

import numpy as np
from django.contrib.auth.models import User

from audit.canonical import digest_json
from monitoring.drafting.drafts import Draft, Frame, results_of, standing_alone
from monitoring.drafting.reasons import tried_declines
from monitoring.errors import NothingToMeasure
from monitoring.measured import Comparison, compare_groups
from monitoring.models import Report
from monitoring.policy import FairnessRules
from monitoring.queries.groups import Membership, groups_of_rows, groups_of_subjects
from monitoring.queries.populations import approvals, reference_of, window_of
from monitoring.reasons import TriedReasons, by_group
from monitoring.reporting.fairness import fairness_document
from monitoring.reporting.reasons import groups_section
from monitoring.triggers import Finding, fairness_findings
from serving.policy import DecisionOutcome
from serving.queries import DecisionWindow

SOURCES = ("decisions", "dataset")


def draft_fairness(frame: Frame, reader: User, sources: Sequence[str]) -> Draft:
    """Raises NothingToMeasure, NotPermitted, KeyMissing or ProtectedValueUnreadable.

    Alerts come of decisions alone: the data set was judged by the gates.
    """
    rules = frame.limits.fairness
    if rules is None:
        raise NothingToMeasure(f"{frame.policy} compares no groups.")
    comparisons: list[Comparison] = []
    read: list[Membership] = []
    data_cut = None
    findings: list[Finding] = []
    of_reasons: dict[str, list[TriedReasons]] = {}
    if "decisions" in sources and (window := _window_if_any(frame)):
        members = groups_of_subjects(window.subject_ids.tolist(), rules.attributes, reader=reader)
        lived = _of_decisions(window, members, rules)
        comparisons.append(lived)
        read.append(members)
        data_cut = window.decided_at[-1]
        findings = fairness_findings(lived.groups, rules.limits.breach, rules.limits.watch)
        of_reasons = _reasons_by_group(frame, window, members, rules)
    if "dataset" in sources:
        in_dataset, members = _of_dataset(frame, rules, reader)
        if members.people:
            comparisons += in_dataset
            read.append(members)
    if not comparisons:
        raise NothingToMeasure(
            f"{frame.version} decided nothing in the window, and nobody's protected attributes are "
            "known in its training data."
        )
    found = [(finding, standing_alone(finding)) for finding in findings]
    heading = frame.heading(data_cut)
    people = sum(members.people for members in read)
    columns = sorted({column for members in read for column in members.columns})
    reads = f"{', '.join(columns)} of {people:,} people were read for this report"
    results = results_of(
        heading,
        {
            "comparisons": [comparison.as_json() for comparison in comparisons],
            "reasons": {name: [row.as_json() for row in rows] for name, rows in of_reasons.items()},
            "reads": reads,
        },
        found,
    )
    footer = heading.footer(digest_json(results))
    further = [groups_section(of_reasons)] if of_reasons else []
    document = fairness_document(heading, comparisons, rules, reads, footer, further)
    return frame.draft(Report.Kind.FAIRNESS, results, found, document, read)


def _window_if_any(frame: Frame) -> DecisionWindow | None:
    try:
        return window_of(frame.version, frame.start, frame.end)
    except NothingToMeasure:
        return None


def _reasons_by_group(
    frame: Frame, window: DecisionWindow, members: Membership, rules: FairnessRules
) -> dict[str, list[TriedReasons]]:
    """Whether the reasons given are true, by group; empty where the policy says nothing of reasons."""
    if frame.limits.reasons is None:
        return {}
    tried = tried_declines(frame, window, frame.limits.reasons.most_tried)
    among = {
        attribute: {group: mask[tried.places] for group, mask in groups.items()}
        for attribute, groups in members.members.items()
    }
    return by_group(
        among, tried.trials.faithful, tried.trials.agreement, rules.limits.minimum_shown
    )


def _of_decisions(window: DecisionWindow, members: Membership, rules: FairnessRules) -> Comparison:
    return compare_groups(
        "Decisions in the window",
        window.outcomes == DecisionOutcome.APPROVED.value,
        window.pd,
        np.where(window.matured, window.bad, np.nan),
        members.members,
        members.controls,
        rules.limits,
        headline=True,
        selected=True,
    )


def _of_dataset(
    frame: Frame, rules: FairnessRules, reader: User
) -> tuple[list[Comparison], Membership]:
    """Every row of the training data set as the version would decide it: all, in sample, held out."""
    reference = reference_of(frame.version)
    approved = approvals(frame.version, reference)
    members = groups_of_rows(
        frame.version.dataset.sha256, reference.row_ids, rules.attributes, reader=reader
    )
    everyone = np.ones(approved.size, dtype=np.bool_)
    comparisons = [
        compare_groups(
            f"Training data set, {which}",
            approved[rows],
            reference.pd[rows],
            reference.bad[rows].astype(np.float64),
            {
                name: {group: mask[rows] for group, mask in groups.items()}
                for name, groups in members.members.items()
            },
            members.controls,
            rules.limits,
            headline=rows is everyone,
            selected=False,
        )
        for which, rows in (
            ("all rows", everyone),
            ("rows the model was trained on", reference.in_sample),
            ("rows held out", ~reference.in_sample),
        )
    ]
    return comparisons, members

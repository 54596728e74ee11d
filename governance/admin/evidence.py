"""The evidence that a decision rests on, on one page."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import holds
from audit.errors import Refusal
from governance.actions.evidence import OPEN, open_comparison
from governance.admin.comparison import sections
from governance.admin.erasures import would_be
from governance.admin.parts import moment, number, tag
from governance.comparison import compared
from governance.models import ChangeRequest, EvidenceView, GateReport
from governance.opening import part_shown
from governance.queries.changes import champion_compared, latest_report
from governance.queries.conditions import conditions_of
from governance.queries.decision_rehearsals import blocked_decisions, models_under, rejudged
from governance.queries.evidence import performance, report_shown
from governance.queries.gates import limit_of
from governance.queries.rehearsals import rehearsals
from registry.models import ModelVersion, Policy, ScoringModel
from registry.queries import champion, policy_in_force

Section = dict[str, Any]
Part = EvidenceView.Part
REJUDGED = timedelta(days=30)
"""How far back a page judges decisions again; the command and REST take any period."""


def of_change(change: ChangeRequest, reader: User) -> dict[str, Any]:
    """What was asked, and everything that the evidence digest covers, in words and numbers."""
    return {"sections": list(_sections(change, reader))}


def of_version(version: ModelVersion, reader: User) -> dict[str, Any]:
    return {"sections": list(_of_version(version, reader))}


def of_policy(policy: Policy, reader: User) -> dict[str, Any]:
    return {"sections": list(_of_policy(policy))}


def _sections(change: ChangeRequest, reader: User) -> Iterator[Section]:
    asked = [
        ("Asked by", change.requested_by.get_username()),
        ("Made by", change.made_by.get_username()),
        ("Why", change.rationale),
        ("Asked", moment(change.requested_at)),
        ("Expires", moment(change.expires_at)),
        ("Evidence digest", change.evidence_digest),
    ]
    asked += [
        (name.replace("_", " ").capitalize(), str(term)) for name, term in change.terms.items()
    ]
    yield {"title": "What is asked", "table": {"rows": [list(row) for row in asked]}}
    if change.version is not None:
        yield from _of_version(change.version, reader, change)
    if change.policy is not None:
        _opened_part(change, Part.POLICY, reader)
        yield from _of_policy(change.policy)
    if change.erasure_case is not None:
        yield from would_be(change.erasure_case, reader)["sections"]
    yield from _said(change)


def _said(change: ChangeRequest) -> Iterator[Section]:
    conditions = [
        [each.approval.approver.get_username(), each.text, each.owner.get_username(), str(each.due_on)]
        for each in conditions_of(change)
    ]  # fmt: skip
    if conditions:
        yield {
            "title": "Conditions that were set",
            "table": {
                "headers": ["Approver", "Condition", "Owner", "Due on"],
                "rows": conditions,
            },
        }
    comments = [
        [moment(each.said_at), each.author.get_username(), each.text]
        for each in change.comments.select_related("author")
    ]
    if comments:
        yield {
            "title": "What was said",
            "table": {"headers": ["When", "Who", "Comment"], "rows": comments},
        }


def _of_version(
    version: ModelVersion, reader: User, change: ChangeRequest | None = None
) -> Iterator[Section]:
    report = latest_report(version)
    if report is None:
        yield {"title": "Gates", "text": "This version was never measured against a gate policy."}
    else:
        shown = _opened_part(change, Part.GATE_REPORT, reader) or report_shown(reader, report)
        results = shown["results"]
        yield _gates(report, [result for result in results if not result["subject"]])
        yield _groups([result for result in results if result["subject"]])
    now = champion(version.model)
    other = now if now is not None and now.pk != version.pk else None
    yield _performance(
        version.model, _opened_part(change, Part.PERFORMANCE, reader) or performance(version)
    )
    if other is not None:
        yield from _compared(version, other, reader, change)


def _gates(report: GateReport, verdicts: list[dict[str, Any]]) -> Section:
    return {
        "title": f"Gates: {'passed' if report.passed else 'not passed'}, {report.policy}, {moment(report.measured_at)}",
        "table": {
            "headers": ["Check", "Verdict", "Measured", "Limit", "n", "Why the policy asks"],
            "rows": [
                [
                    result["check"].replace("_", " "),
                    tag(result["status"]),
                    _with_interval(result),
                    limit_of(result),
                    f"{result['n']:,}" if result["n"] else "-",
                    result["reason"],
                ]
                for result in verdicts
            ],
        },
    }


def _groups(verdicts: list[dict[str, Any]]) -> Section:
    return {
        "title": "Groups: approval rate against the control group",
        "text": "" if verdicts else "No group is compared here, or none that you may see.",
        "table": {
            "headers": ["Group", "Verdict", "Ratio", "People", "Why"],
            "rows": [
                [
                    result["subject"],
                    tag(result["status"]),
                    _with_interval(result),
                    f"{result['n']:,}" if result["n"] else "too few to show",
                    result["why"],
                ]
                for result in verdicts
            ],
        }
        if verdicts
        else None,
    }


def _with_interval(result: dict[str, Any]) -> str:
    value = number(result["value"])
    if result["low"] is None:
        return value
    return f"{value} ({number(result['low'])} to {number(result['high'])})"


def _performance(model: ScoringModel, shown: dict[str, Any]) -> Section:
    lines = [
        ("AUC", "performance", "auc"),
        ("KS separation", "performance", "ks_separation"),
        ("Brier", "performance", "brier"),
        ("Log loss", "performance", "log_loss"),
        ("Observed to expected bads", "calibration", "observed_expected"),
        ("Rows held out", "performance", "n"),
    ]
    versions = shown["versions"]
    return {
        "title": "On held-out rows of each version's own data",
        "table": {
            "headers": ["", *(f"{model} v{each['version']}" for each in versions)],
            "rows": [
                [title, *(number(each["holdout"][part][name]) for each in versions)]
                for title, part, name in lines
            ],
        },
    }


def _compared(
    version: ModelVersion, other: ModelVersion, reader: User, change: ChangeRequest | None
) -> Iterator[Section]:
    try:
        comparison = (
            open_comparison(change.pk, by=reader)
            if change and _is_on_record(change, reader) and champion_compared(change)
            else compared(version, other, timezone.now())
        )
    except Refusal as refusal:
        title = f"Who would be decided otherwise than by {other}"
        yield {"title": title, "text": refusal.detail}
        return
    yield from sections(comparison, other)


def _opened_part(change: ChangeRequest | None, part: str, reader: User) -> dict[str, Any] | None:
    """The part as it was opened on record; None where nobody is about to decide."""
    if change is None or not _is_on_record(change, reader):
        return None
    return part_shown(change.pk, part, by=reader)


def _is_on_record(change: ChangeRequest, reader: User) -> bool:
    """For an open change the reader is kept on record, as the decision will ask for."""
    return change.state == ChangeRequest.State.OPEN and holds(reader, OPEN)


def _of_policy(policy: Policy) -> Iterator[Section]:
    yield {
        "title": f"{policy}, proposed by {policy.proposed_by.get_username()}",
        "text": policy.rationale,
        "body": json.dumps(policy.body, indent=2, ensure_ascii=False),
    }
    if policy.kind == Policy.Kind.GATE:
        yield _rehearsed(policy)
        yield _blocked_decisions(policy)
    if policy.kind == Policy.Kind.DECISION:
        yield from _rejudged(policy)
    before = policy_in_force(policy.kind, policy.name, timezone.now())
    if before is not None and before.pk != policy.pk:
        yield {
            "title": f"{before}, in force now",
            "body": json.dumps(before.body, indent=2, ensure_ascii=False),
        }


def _rehearsed(policy: Policy) -> Section:
    """What the policy would have said of the versions that were measured before."""
    title = "Rehearsal on the latest gate report of each version"
    try:
        found = rehearsals(policy, timezone.now())
    except Refusal as refusal:
        return {"title": title, "text": refusal.detail}
    if not found:
        return {"title": title, "text": "No version that it would govern was measured yet."}
    return {
        "title": title,
        "table": {
            "headers": [
                "Version",
                "Would be",
                "Blocked by",
                "Not measured",
                "In force: blocked by",
            ],
            "rows": [
                [
                    str(each.report.version),
                    tag("passed" if each.passes else "not passed"),
                    ", ".join(each.blocked_by) or "-",
                    ", ".join(each.not_measured) or "-",
                    ", ".join(each.blocked_in_force_by) or "-",
                ]
                for each in found
            ],
        },
    }


def _blocked_decisions(policy: Policy) -> Section:
    """The decisions that the versions it would have blocked made."""
    title = "Decisions by versions that it would have blocked"
    try:
        found = blocked_decisions(rehearsals(policy, timezone.now()))
    except Refusal as refusal:
        return {"title": title, "text": refusal.detail}
    if not found:
        return {"title": title, "text": "None."}
    rows = [[f"{row.model} v{row.version}", row.month, row.outcome, row.decisions] for row in found]
    return {
        "title": title,
        "table": {"headers": ["Version", "Month", "Outcome", "Decisions"], "rows": rows},
    }


def _rejudged(policy: Policy) -> Iterator[Section]:
    """The decisions of the last REJUDGED by models under policies of the same name, as the proposed one would make them."""
    for model in models_under(policy):
        title = f"Rehearsal on the last {REJUDGED.days} days of {model}"
        try:
            found = rejudged(policy, model, timezone.now() - REJUDGED)
        except Refusal as refusal:
            yield {"title": title, "text": refusal.detail}
            continue
        text = f"{found.changed:,} of {found.judged:,} decisions would change."
        rows = [[row["before"], row["after"], row["decisions"]] for row in found.rows]
        yield {
            "title": title,
            "text": text,
            "table": {"headers": ["Was", "Would be", "Decisions"], "rows": rows},
        }

"""The evidence that a decision rests on, on one page."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import holds
from audit.errors import Refusal
from governance.actions.evidence import open_comparison
from governance.admin.parts import moment, number, tag
from governance.comparison import Comparison, compared
from governance.models import ChangeRequest, GateReport
from governance.queries.changes import champion_compared, latest_report
from governance.queries.decision_rehearsals import blocked_decisions, models_under, rejudged
from governance.queries.gates import results_for
from governance.queries.rehearsals import rehearsals
from registry.models import ModelVersion, Policy
from registry.queries import champion, policy_in_force

Section = dict[str, Any]
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
    yield {"title": "What is asked", "table": {"rows": [list(row) for row in asked]}}
    if change.version is not None:
        yield from _of_version(change.version, reader, change)
    if change.policy is not None:
        yield from _of_policy(change.policy)


def _of_version(
    version: ModelVersion, reader: User, change: ChangeRequest | None = None
) -> Iterator[Section]:
    report = latest_report(version)
    if report is None:
        yield {"title": "Gates", "text": "This version was never measured against a gate policy."}
    else:
        results = results_for(reader, report)
        yield _gates(report, [result for result in results if not result["subject"]])
        yield _groups([result for result in results if result["subject"]])
    now = champion(version.model)
    other = now if now is not None and now.pk != version.pk else None
    yield _performance(version, other)
    if other is not None:
        yield _swaps(version, other, reader, change)


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
                    result["threshold"],
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


def _performance(version: ModelVersion, other: ModelVersion | None) -> Section:
    versions = [version, *([other] if other else [])]
    holdouts = [each.run.metrics["holdout"] for each in versions]
    lines = [
        ("AUC", "performance", "auc"),
        ("KS separation", "performance", "ks_separation"),
        ("Brier", "performance", "brier"),
        ("Log loss", "performance", "log_loss"),
        ("Observed to expected bads", "calibration", "observed_expected"),
        ("Rows held out", "performance", "n"),
    ]
    return {
        "title": "On held-out rows of each version's own data",
        "table": {
            "headers": ["", *map(str, versions)],
            "rows": [
                [title, *(number(holdout[part][name]) for holdout in holdouts)]
                for title, part, name in lines
            ],
        },
    }


def _swaps(
    version: ModelVersion, other: ModelVersion, reader: User, change: ChangeRequest | None
) -> Section:
    title = f"Who would be decided otherwise than by {other}"
    try:
        comparison = _opened(version, other, reader, change)
    except Refusal as refusal:
        return {"title": title, "text": refusal.detail}
    if not comparison.swaps:
        return {"title": title, "text": "The two take different features and cannot be compared."}
    return {
        "title": title,
        "text": "Held-out rows of the candidate's data, by each version's cut-off.",
        "table": {
            "headers": ["", "Applicants", "Share", "Went bad", "Bad rate"],
            "rows": [
                [
                    swap.title,
                    f"{swap.n:,}",
                    number(comparison.share(swap)),
                    f"{swap.bad:,}",
                    number(swap.bad_rate),
                ]
                for swap in comparison.swaps
            ],
        },
    }


def _opened(
    version: ModelVersion, other: ModelVersion, reader: User, change: ChangeRequest | None
) -> Comparison:
    """For an open change the reader is kept on record, as the decision will ask for."""
    if change is None or change.state != ChangeRequest.State.OPEN:
        return compared(version, other)
    if champion_compared(change) is None or not holds(reader, "governance.open_evidence"):
        return compared(version, other)
    return open_comparison(change.pk, by=reader)


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

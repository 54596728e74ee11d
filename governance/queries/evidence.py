"""What the parts of a change's evidence say, as plain values: what a page shows and REST answers."""

from typing import Any

from django.contrib.auth.models import User

from governance.errors import NoSuchEvidence
from governance.models import ChangeRequest, EvidenceView, GateReport
from governance.queries.changes import latest_report
from governance.queries.gates import results_for
from registry.models import ModelVersion
from registry.queries import champion

Part = EvidenceView.Part


def parts_of(change: ChangeRequest) -> list[str]:
    """The parts that the change's evidence has now, except for the comparison, which is an act of its own."""
    if change.policy is not None:
        return [Part.POLICY]
    if change.erasure_case is not None:
        return []
    assert change.version is not None
    measured = [Part.GATE_REPORT] if latest_report(change.version) else []
    return [*measured, Part.PERFORMANCE]


def shown_to(reader: User, change: ChangeRequest, part: str) -> dict[str, Any]:
    """One part as this person may see it. Raises NoSuchEvidence."""
    if part not in parts_of(change):
        raise NoSuchEvidence(f"The evidence of {change} has no part {part!r}.")
    if part == Part.POLICY:
        assert change.policy is not None
        return {
            "policy": str(change.policy),
            "sha256": change.policy.sha256,
            "body": change.policy.body,
        }
    assert change.version is not None
    if part == Part.PERFORMANCE:
        return performance(change.version)
    report = latest_report(change.version)
    assert report is not None
    return report_shown(reader, report)


def report_shown(reader: User, report: GateReport) -> dict[str, Any]:
    return {
        "report_sha256": report.sha256,
        "policy": str(report.policy),
        "passed": report.passed,
        "measured_at": report.measured_at.isoformat(),
        "results": results_for(reader, report),
    }


def performance(version: ModelVersion) -> dict[str, Any]:
    """What each measured on the held-out rows of its own data: the version, and the champion beside it."""
    now = champion(version.model)
    both = [version, *([now] if now is not None and now.pk != version.pk else [])]
    return {"versions": [{"version": each.number, "holdout": each.run.metrics["holdout"]} for each in both]}  # fmt: skip

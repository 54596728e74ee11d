"""What a request rests on beyond the evidence of its version, by its kind. Read anew for every decision."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from governance.models import ChangeRequest
from governance.queries.findings import findings_about
from registry.models import Clearance, ModelVersion
from registry.queries import champion, live_clearance

Kind = ChangeRequest.Kind


def parts_of_kind(kind: str, version: ModelVersion, at: datetime) -> dict[str, Any]:
    """Further parts of the evidence: whose place is taken, what is set aside, by which clearance. Often nothing."""
    parts = PARTS.get(kind)
    return parts(version, at) if parts else {}


def _emergency(version: ModelVersion, at: datetime) -> dict[str, Any]:
    """Where the version stands, whose place it takes, and the findings that are set aside."""
    open_findings = findings_about(version).order_by("id").values_list("pk", flat=True)
    return _place(version, at) | {"open_findings": [str(finding) for finding in open_findings]}


def _place(version: ModelVersion, at: datetime) -> dict[str, Any]:
    now = champion(version.model)
    return {
        "stage": version.stage,
        "champion": now.number if now else None,
        "champion_baseline_id": now.baseline_id if now else None,
        "champion_cut_off": repr(now.cut_off) if now else None,
    }


def _way_back(version: ModelVersion, at: datetime) -> dict[str, Any]:
    clearance = live_clearance(version, Clearance.Purpose.ROLLBACK, at)
    return _place(version, at) | {"clearance": clearance.pk if clearance else None}


PARTS: dict[str, Callable[[ModelVersion, datetime], dict[str, Any]]] = {
    Kind.BREAK_GLASS: _emergency,
    Kind.CUT_OFF: _place,
    Kind.ROLLBACK: _way_back,
    Kind.ROLLOUT: _place,
}

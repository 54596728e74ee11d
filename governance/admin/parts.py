"""What governance's windows are put together from: links, tables, tags and times."""

from datetime import datetime

from django.utils.safestring import SafeString

from audit.admin_parts import address, coloured, link, links, picture, table

__all__ = ["address", "link", "links", "moment", "number", "picture", "table", "tag"]

TAG_KINDS = {
    "granted": "success", "pass": "success", "done": "success", "passed": "success", "closed_champion": "success",
    "erased": "success", "available": "success", "decided": "success", "released": "success", "in force": "warning",
    "stale": "warning", "partially_erased": "warning", "retained_legal_obligation": "warning", "retained_legal_claims": "danger",
    "refused_not_subject": "info", "requested": "info", "expired": "warning", "destroyed": "warning",
    "approve": "success", "certify": "success", "revoke": "danger", "measured": "success", "closed": "success",
    "approved": "success", "completed": "success", "approved_with_restrictions": "warning", "remediated": "warning",
    "critical": "danger", "high": "danger", "medium": "warning", "low": "info",
    "open": "info", "queued": "info", "running": "info", "waiting_for_approval": "warning", "watch": "warning",
    "insufficient_data": "warning", "stopped": "danger", "fail": "danger", "failed": "danger", "rejected": "danger",
    "alert": "warning", "late": "danger", "reject": "danger", "breached": "danger", "breached_with_containment": "danger", "not passed": "danger",
    "within": "success", "insufficient evidence": "warning", "breach": "danger",
}  # fmt: skip


def tag(text: str) -> SafeString:
    """A state as a coloured word."""
    return coloured(text, TAG_KINDS)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def moment(value: datetime | None) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if value else "-"

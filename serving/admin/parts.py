"""What serving's windows are put together from."""

from django.utils.safestring import SafeString

from audit.admin_parts import coloured, link, picture, table

__all__ = ["link", "picture", "table", "tag"]

TAG_KINDS = {
    "approved": "success", "declined": "danger", "referred": "warning",
    "equal": "success", "different": "danger", "impossible": "danger", "notified": "success", "running": "info", "alert": "warning",
    "pass": "success", "watch": "warning", "breach": "danger", "due soon": "warning", "late": "danger",
    "contest_received": "warning", "acknowledged": "info", "assigned": "info", "information_requested": "info",
    "reviewed": "info", "upheld": "success", "overturned": "danger", "partly": "warning",
}  # fmt: skip


def tag(text: str) -> SafeString:
    """A state as a coloured word."""
    return coloured(text, TAG_KINDS)

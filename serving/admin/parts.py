"""What serving's windows are put together from."""

import base64

from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin_parts import coloured, link, table

__all__ = ["link", "picture", "table", "tag"]

TAG_KINDS = {"approved": "success", "declined": "danger", "referred": "warning"}


def tag(text: str) -> SafeString:
    """A state as a coloured word."""
    return coloured(text, TAG_KINDS)


def picture(svg: str, description: str) -> str:
    """An SVG as an image, in which a browser runs nothing."""
    return format_html(
        '<img alt="{}" src="data:image/svg+xml;base64,{}" style="max-width:100%">',
        description,
        base64.b64encode(svg.encode()).decode(),
    )

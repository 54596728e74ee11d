"""What the registry's windows are put together from: links, tables, tags, pictures."""

import base64
from collections.abc import Iterable

from django.db.models import Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.admin_parts import coloured, link, table

__all__ = ["link", "links", "number", "picture", "side_by_side", "table", "tag"]

TAG_KINDS = {
    "production": "success",
    "staging": "info",
    "suspended": "danger",
    "rejected": "danger",
    "approved": "success",
    "proposed": "warning",
    "different": "danger",
    "same_bytes": "success",
    "same_content": "success",
    "succeeded": "success",
    "failed": "danger",
    "running": "info",
    "queued": "warning",
    "grant": "success",
    "revocation": "danger",
    "passed": "success",
}


def links(rows: Iterable[Model]) -> str:
    return format_html_join(", ", "{}", ((link(row),) for row in rows)) or "-"


def tag(text: str) -> SafeString:
    """A state as a coloured word."""
    return coloured(text, TAG_KINDS)


def picture(svg: bytes, name: str) -> str:
    """An SVG as an image, in which a browser runs nothing."""
    return format_html(
        '<figure><figcaption class="font-semibold">{}</figcaption>'
        '<img alt="{}" src="data:image/svg+xml;base64,{}"></figure>',
        name,
        name,
        base64.b64encode(svg).decode(),
    )


def side_by_side(pictures: Iterable[str]) -> str:
    return format_html(
        '<div class="flex flex-wrap gap-6">{}</div>',
        format_html_join("", "{}", ((drawn,) for drawn in pictures)),
    )


def number(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

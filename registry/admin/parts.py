"""What the registry's windows are put together from: links, tables, tags, pictures."""

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.admin_parts import coloured, link, links, picture, table

__all__ = ["figure", "link", "links", "number", "side_by_side", "table", "tag"]

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
    "open": "info",
    "waiting": "warning",
    "written": "success",
    "given_up": "danger",
    "grant": "success",
    "revocation": "danger",
    "passed": "success",
}


def tag(text: str) -> SafeString:
    """A state as a coloured word."""
    return coloured(text, TAG_KINDS)


def figure(svg: str, name: str) -> str:
    """A picture under its name."""
    return format_html(
        '<figure><figcaption class="font-semibold">{}</figcaption>{}</figure>',
        name,
        picture(svg, name),
    )


def side_by_side(figures: Iterable[str]) -> str:
    return format_html(
        '<div class="flex flex-wrap gap-6">{}</div>',
        format_html_join("", "{}", ((drawn,) for drawn in figures)),
    )


def number(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

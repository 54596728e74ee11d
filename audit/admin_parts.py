"""What every floor's windows are put together from: links, tables, pictures, and states as coloured words."""

import base64
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

PAPER = "white-space: pre-wrap; overflow-wrap: anywhere; font: 12px/1.6 ui-monospace, monospace"


def address(row: Model) -> str:
    """Where a row's window is."""
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])


def link(row: Model | None, text: object = None) -> str:
    """A link to a row's window; a dash where there is no row."""
    if row is None:
        return "-"
    return format_html('<a href="{}" class="text-link">{}</a>', address(row), text or row)


def links(rows: Iterable[Model]) -> str:
    return format_html_join(", ", "{}", ((link(row),) for row in rows)) or "-"


def preformatted(text: str) -> SafeString:
    return format_html('<pre style="{}">{}</pre>', PAPER, text)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> SafeString:
    content = {"table": {"headers": headers, "rows": [list(row) for row in rows]}}
    return render_to_string("unfold/components/table.html", content)


def picture(svg: str, what: str) -> SafeString:
    """An SVG as an image, in which a browser runs nothing; `what` says in words what it shows."""
    return format_html(
        '<img alt="{}" src="data:image/svg+xml;base64,{}" style="max-width:100%">',
        what,
        base64.b64encode(svg.encode()).decode(),
    )


def coloured(text: str, kinds: Mapping[str, str]) -> SafeString:
    """A state as a coloured word; the word alone says it."""
    words = {"text": text.replace("_", " "), "type": kinds.get(text)}
    return render_to_string("unfold/helpers/label.html", words)

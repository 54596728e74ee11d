"""A notice as a page and as a PDF/A: the same words in both, and the same bytes for the same document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from registry.documents import render_html, render_pdf, template_text


def notice_page(document: Mapping[str, Any]) -> bytes:
    """A page that stands alone, with a place for the applicant's name and address."""
    return render_html(template_text("notice.html"), document, {})


def notice_pdf(document: Mapping[str, Any], issued_at: datetime) -> bytes:
    """PDF/A-2a and PDF/UA-1."""
    return render_pdf(template_text("notice.typ"), document, {}, made_at=issued_at)

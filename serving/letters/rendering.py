"""From a worded letter to the page and the PDF/A that people get, with the picture of what mattered."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from importlib import metadata
from typing import Any

from registry import charts
from registry.documents import DRAWN_BY, render_html, render_pdf, template_text
from serving.letters.rendered import Rendered
from serving.letters.texts import LetterPolicy
from serving.letters.wording import PICTURE, drawn_steps, worded


def render(
    facts: Mapping[str, Any], policy: LetterPolicy, language: str, issued_on: date
) -> Rendered:
    """Equal facts, texts and days give equal bytes. Raises LetterLanguageUnknown."""
    data = worded(facts, policy, language, issued_on).as_json()
    texts = policy.texts(language)
    words = charts.WaterfallWords(
        base=texts.say("picture_base"),
        end=texts.say("picture_end"),
        others=texts.texts["picture_others"],
        towards_bad=texts.say("picture_against"),
        towards_good=texts.say("picture_for"),
    )
    svg = charts.contributions(
        drawn_steps(facts, texts),
        facts["score"]["base_value"],
        facts["score"]["margin"],
        unit=texts.say("picture_unit"),
        words=words,
    )
    images = {PICTURE: svg.encode()}
    made_at = datetime.combine(issued_on, time(), UTC)
    return Rendered(
        language,
        issued_on,
        render_html(template_text("report.html"), data, images),
        render_pdf(template_text("report.typ"), data, images, made_at=made_at),
        "; ".join(f"{name} {metadata.version(name)}" for name in DRAWN_BY),
    )

"""The letters that explained the decision to the applicant."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib import admin
from django.utils.html import format_html

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import link, table
from serving.models import Decision, ExplanationLetter
from serving.queries import letters_about


@admin.display(description="Letters of explanation")
def letters_table(decision: Decision) -> str:
    letters = letters_about(decision).select_related("issued_by", "policy")
    address = f"/api/v1/decisions/{decision.pk}/explanation"
    facts = format_html('<a class="text-link" href="{}">The facts (JSON)</a>', address)
    if not letters:
        return format_html("None was issued. {}", facts)
    newest = _newest(letters)
    rows = [
        (
            link(letter),
            letter.issued_by,
            link(letter.policy),
            format_html(
                '<a class="text-link" href="{0}?format=html&amp;language={1}">page</a>, '
                '<a class="text-link" href="{0}?format=pdf&amp;language={1}">PDF</a>',
                address,
                letter.language,
            )
            if letter.pk in newest
            else "replaced by a later one",
        )
        for letter in letters
    ]
    return format_html("{}<p>{}</p>", table(["Issued", "By", "Texts", "Letter"], rows), facts)


def _newest(letters: Iterable[ExplanationLetter]) -> set[UUID]:
    """Of each language the newest: the one that the addresses lead to."""
    newest: dict[str, UUID] = {}
    for letter in letters:
        newest.setdefault(letter.language, letter.pk)
    return set(newest.values())


LETTERS = Part("Explained to the applicant", (letters_table,))

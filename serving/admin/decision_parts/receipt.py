"""The receipt, and whether the log can prove the decision yet."""

from django.contrib import admin
from django.utils.html import format_html_join

from serving.admin.decision_parts.parts import Part
from serving.admin.parts import link
from serving.answers import receipt_answer
from serving.models import Decision


@admin.display(description="Receipt")
def receipt_table(decision: Decision) -> str:
    return format_html_join(
        "",
        '<p><b>{}</b><br><code style="white-space:pre-wrap">{}</code></p>',
        receipt_answer(decision).items(),
    )


@admin.display(description="Entry in the log")
def entry_link(decision: Decision) -> str:
    return link(decision.entry)


RECEIPT = Part("Receipt", (receipt_table, entry_link))

"""The receipt, and whether the log can prove the decision yet."""

from django.contrib import admin
from django.utils.html import format_html, format_html_join

from audit.errors import Refusal
from audit.proofs import proof_for
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


@admin.display(description="Proof")
def proof_state(decision: Decision) -> str:
    try:
        proof_for(decision.entry_id)
    except Refusal as refusal:
        return refusal.detail
    return format_html(
        'The signed log holds it: <a class="text-link" href="/api/v1/decisions/{}/proof">proof for an offline verifier</a>.',
        decision.pk,
    )


RECEIPT = Part("Receipt", (receipt_table, entry_link, proof_state))

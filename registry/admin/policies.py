"""Policies."""

import json

from django.contrib import admin
from django.utils.html import format_html

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from registry.admin.parts import tag
from registry.models import Policy, PolicyEndorsement


class EndorsementsOfPolicy(ReadOnlyInline):
    model = PolicyEndorsement
    fields = ("endorsed_by", "endorsed_at", "rationale")


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "kind",
        "state",
        "jurisdiction",
        "proposed_by",
        "approved_by",
        "effective_from",
        "effective_to",
    )
    list_filter = ("kind", "status", "jurisdiction")
    search_fields = ("name", "rationale")
    list_select_related = ("proposed_by", "approved_by")
    fieldsets = (
        (None, {"fields": ("kind", "name", "version", "state", "rationale")}),
        ("Says", {"fields": ("body_text",)}),
        (
            "Applies",
            {"fields": ("jurisdiction", "legal_basis", "effective_from", "effective_to")},
        ),
        ("People", {"fields": ("proposed_by", "proposed_at", "approved_by", "approved_at")}),
        ("Record", {"fields": ("sha256", "entry")}),
    )
    inlines = (EndorsementsOfPolicy,)

    @admin.display(description="Status", ordering="status")
    def state(self, policy: Policy) -> str:
        return tag(policy.status)

    @admin.display(description="Body")
    def body_text(self, policy: Policy) -> str:
        return format_html(
            '<pre class="whitespace-pre-wrap">{}</pre>', json.dumps(policy.body, indent=2)
        )

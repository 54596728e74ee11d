"""A window on the evidence bundles that were asked for."""

import json
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display as unfold_display

from audit.admin_base import ReadOnlyAdmin
from audit.admin_parts import preformatted
from audit.models import EvidenceExport


@admin.register(EvidenceExport)
class EvidenceExportAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "requested_by", "state_shown", "size", "built_at")
    list_filter = ("state", "requested_by")
    fields = (
        "state", "requested_by", "requested_at", "asked_for", "built_at", "size", "sha256", "failure", "download", "entry",
    )  # fmt: skip

    @unfold_display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="State",
        label={
            "requested": "info",
            "available": "success",
            "failed": "danger",
            "destroyed": "warning",
        },
    )
    def state_shown(self, export: EvidenceExport) -> str:
        return export.state

    @admin.display(description="Scope")
    def asked_for(self, export: EvidenceExport) -> SafeString:
        return preformatted(json.dumps(export.scope, indent=2))

    @admin.display(description="File", empty_value="not available")
    def download(self, export: EvidenceExport) -> SafeString | None:
        if export.state != EvidenceExport.State.AVAILABLE:
            return None
        address: Any = reverse("export-file", args=[export.pk])
        return format_html('<a href="{}" class="text-primary-600">Download the bundle</a>', address)

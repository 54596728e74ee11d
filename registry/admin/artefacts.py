"""Artefacts and baselines."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from registry.admin.parts import link, links
from registry.models import Artefact, Baseline


@admin.register(Artefact)
class ArtefactAdmin(ReadOnlyAdmin):
    list_display = ("short_sha256", "run_link", "format", "size", "created_at")
    search_fields = ("sha256", "content_sha256")
    list_select_related = ("run__model",)
    fields = (
        "sha256",
        "content_sha256",
        "format",
        "size",
        "run",
        "versions_made",
        "key_id",
        "signature",
        "created_at",
        "entry",
    )

    @admin.display(description="SHA-256")
    def short_sha256(self, artefact: Artefact) -> str:
        return artefact.sha256[:12]

    @admin.display(description="Run")
    def run_link(self, artefact: Artefact) -> str:
        return link(artefact.run)

    @admin.display(description="Versions")
    def versions_made(self, artefact: Artefact) -> str:
        return links(artefact.versions.select_related("model"))


@admin.register(Baseline)
class BaselineAdmin(ReadOnlyAdmin):
    list_display = ("id", "rows", "cut_off", "pd_band", "created_at")
    fields = (
        "id",
        "sha256",
        "rows",
        "cut_off",
        "pd_band",
        "rule",
        "versions_made",
        "created_at",
        "entry",
    )

    @admin.display(description="Band of pd")
    def pd_band(self, baseline: Baseline) -> str:
        return f"{baseline.band['pd_from']:.4f} to {baseline.band['pd_to']:.4f}"

    @admin.display(description="How the rows were chosen")
    def rule(self, baseline: Baseline) -> str:
        return str(baseline.band["rule"])

    @admin.display(description="Versions")
    def versions_made(self, baseline: Baseline) -> str:
        return links(baseline.versions.select_related("model"))

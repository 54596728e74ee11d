"""Versions, where they stood over time, and what they are cleared for."""

from django.contrib import admin
from django.utils import timezone

from audit.admin_base import ReadOnlyAdmin
from registry import queries
from registry.admin.parts import link, table, tag
from registry.models import Clearance, ModelVersion, StageChange
from registry.reason_library import ReasonLibrary


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "state",
        "algorithm",
        "cut_off",
        "developed_by",
        "cleared_for",
        "stage_changed_at",
    )
    list_filter = ("stage", "model")
    list_select_related = ("model", "run", "developed_by")
    fieldsets = (
        (None, {"fields": ("model", "number", "state", "stage_changed_at", "developed_by")}),
        ("Made of", {"fields": ("dataset", "run", "artefact", "contract_sha256")}),
        ("Decides by", {"fields": ("cut_off", "decision_policy", "reason_library")}),
        ("Explains against", {"fields": ("baseline", "baseline_rule")}),
        ("Features", {"fields": ("features_table",)}),
        ("Clearances", {"fields": ("clearances_table",)}),
        ("Record", {"fields": ("created_at", "entry")}),
    )

    @admin.display(description="Stage", ordering="stage")
    def state(self, version: ModelVersion) -> str:
        return tag(version.stage)

    @admin.display(description="Algorithm", ordering="run__algorithm")
    def algorithm(self, version: ModelVersion) -> str:
        return version.run.get_algorithm_display()

    @admin.display(description="Cleared for")
    def cleared_for(self, version: ModelVersion) -> str:
        now = timezone.now()
        live = [queries.live_clearance(version, purpose, now) for purpose in Clearance.Purpose]
        purposes = [_purpose(clearance) for clearance in live if clearance]
        return ", ".join(purposes) or "-"

    @admin.display(description="Band of the baseline")
    def baseline_rule(self, version: ModelVersion) -> str:
        band = version.baseline.band
        return f"{band['rule']}; pd from {band['pd_from']:.4f} to {band['pd_to']:.4f}"

    @admin.display(description="Features")
    def features_table(self, version: ModelVersion) -> str:
        library = ReasonLibrary.from_json(version.reason_library.body)
        return table(
            ["Feature", "Type", "Direction", "What an applicant is told"],
            [
                (
                    feature.name,
                    feature.type,
                    feature.monotone,
                    library.texts_of(feature.reason_group).statement,
                )
                for feature in queries.contract_of_version(version).features
            ],
        )

    @admin.display(description="Clearances")
    def clearances_table(self, version: ModelVersion) -> str:
        return table(
            ["Clearance", "Kind", "Purpose", "From", "Until", "Change request"],
            [
                (
                    link(clearance, clearance.pk),
                    tag(clearance.kind),
                    _purpose(clearance),
                    f"{clearance.valid_from:%Y-%m-%d %H:%M}",
                    f"{clearance.valid_to:%Y-%m-%d %H:%M}" if clearance.valid_to else "-",
                    clearance.change_request_id,
                )
                for clearance in version.clearances.all()
            ],
        )


def _purpose(clearance: Clearance) -> str:
    break_glass = " (break-glass)" if clearance.is_break_glass else ""
    return f"{clearance.get_purpose_display()}{break_glass}"


@admin.register(Clearance)
class ClearanceAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "version_link",
        "state",
        "purpose",
        "is_break_glass",
        "valid_from",
        "valid_to",
    )
    list_filter = ("kind", "purpose", "is_break_glass")
    list_select_related = ("version__model",)
    fields = (
        "version",
        "state",
        "purpose",
        "grant",
        "artefact_sha256",
        "evidence_digest",
        "approver_ids",
        "change_request_id",
        "valid_from",
        "valid_to",
        "is_break_glass",
        "entry",
    )

    @admin.display(description="Version")
    def version_link(self, clearance: Clearance) -> str:
        return link(clearance.version)

    @admin.display(description="Kind", ordering="kind")
    def state(self, clearance: Clearance) -> str:
        return tag(clearance.kind)


@admin.register(StageChange)
class StageChangeAdmin(ReadOnlyAdmin):
    list_display = ("version", "stage", "changed_at")
    list_filter = ("stage",)
    list_select_related = ("version__model",)
    fields = ("version", "stage", "changed_at", "entry")

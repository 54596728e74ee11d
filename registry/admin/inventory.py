"""The inventory of models."""

from django.contrib import admin
from django.utils import timezone

from audit.admin_base import ReadOnlyAdmin
from registry import history, queries
from registry.admin.parts import link, table, tag
from registry.models import ModelRecord, ScoringModel


@admin.register(ScoringModel)
class ScoringModelAdmin(ReadOnlyAdmin):
    list_display = ("name", "title", "product", "tier", "champion", "owner", "created_at")
    list_filter = ("tier",)
    search_fields = ("name", "title", "purpose")
    list_select_related = ("owner",)
    fieldsets = (
        (None, {"fields": ("name", "title", "purpose", "product", "owner", "champion")}),
        (
            "Use",
            {"fields": ("approved_uses", "prohibited_uses", "jurisdictions", "regulatory_use")},
        ),
        ("Live now", {"fields": ("live_table",)}),
        (
            "Risk",
            {
                "fields": (
                    "tier",
                    "tier_rationale",
                    "complexity",
                    "inherent_risk",
                    "label_meaning",
                    "label_window_months",
                    "limitations",
                    "assumptions",
                    "compensating_controls",
                )
            },
        ),
        (
            "Method",
            {"fields": ("methodology", "vendor", "dependencies", "operating_boundaries")},
        ),
        ("In practice", {"fields": ("actual_use", "users")}),
        ("Versions", {"fields": ("versions_table",)}),
        ("History", {"fields": ("records_table",)}),
        ("Record", {"fields": ("created_at", "entry")}),
    )

    @admin.display(description="Champion")
    def champion(self, model: ScoringModel) -> str:
        return link(queries.champion(model))

    @admin.display(description="Versions")
    def versions_table(self, model: ScoringModel) -> str:
        versions = queries.versions_of(model).select_related("developed_by")
        return table(
            ["Version", "Stage", "Algorithm", "Cut-off", "Developed by", "Registered"],
            [
                (
                    link(version),
                    tag(version.stage),
                    version.run.get_algorithm_display(),
                    version.cut_off,
                    version.developed_by,
                    f"{version.created_at:%Y-%m-%d %H:%M}",
                )
                for version in versions
            ],
        )

    @admin.display(description="Live now")
    def live_table(self, model: ScoringModel) -> str:
        live = history.live(model.name, timezone.now())
        cleared = [one for one in (live.clearance, *live.others) if one]
        return table(
            ["What", "Which", "Since"],
            [
                *(
                    (
                        one.get_purpose_display(),
                        link(one.version),
                        f"{one.valid_from:%Y-%m-%d %H:%M}",
                    )
                    for one in cleared
                ),
                *(
                    (
                        "Use restriction",
                        link(one, f"{one}: {one.reason}"),
                        f"{one.valid_from:%Y-%m-%d %H:%M}",
                    )
                    for one in live.restrictions
                ),
            ],
        )

    @admin.display(description="States")
    def records_table(self, model: ScoringModel) -> str:
        return table(
            ["Revision", "From", "By", "Why"],
            [
                (
                    link(record, record.revision),
                    f"{record.valid_from:%Y-%m-%d %H:%M}",
                    record.recorded_by,
                    record.rationale or "-",
                )
                for record in model.records.select_related("recorded_by")
            ],
        )


@admin.register(ModelRecord)
class ModelRecordAdmin(ReadOnlyAdmin):
    """One state of a model's entry in the inventory."""

    list_display = ("model", "revision", "valid_from", "recorded_by", "rationale")
    list_filter = ("model",)
    list_select_related = ("model", "recorded_by")
    fields = ("model", "revision", "valid_from", "recorded_by", "rationale", "body", "entry")

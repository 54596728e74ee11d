"""The inventory of models."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from registry import queries
from registry.admin.parts import link, table, tag
from registry.models import ScoringModel


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
        ("Risk", {"fields": ("tier", "tier_rationale", "label_meaning", "limitations")}),
        ("Versions", {"fields": ("versions_table",)}),
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

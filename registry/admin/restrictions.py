"""Use restrictions and their ends."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from registry.models import RestrictionLift, UseRestriction


@admin.register(UseRestriction)
class UseRestrictionAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "limits", "placed_by", "valid_from", "valid_to", "lifted")
    list_filter = ("kind", "model")
    list_select_related = ("model", "version__model", "placed_by", "lift")
    fields = (
        "model",
        "version",
        "kind",
        "limits",
        "reason",
        "placed_by",
        "valid_from",
        "valid_to",
        "lifted",
        "entry",
    )

    @admin.display(description="Lifted")
    def lifted(self, restriction: UseRestriction) -> str:
        if not hasattr(restriction, "lift"):
            return "-"
        return f"{restriction.lift.lifted_at:%Y-%m-%d %H:%M}"


@admin.register(RestrictionLift)
class RestrictionLiftAdmin(ReadOnlyAdmin):
    list_display = ("restriction", "lifted_by", "lifted_at", "reason")
    list_select_related = ("restriction__model", "restriction__version__model", "lifted_by")
    fields = ("restriction", "lifted_by", "lifted_at", "reason", "entry")

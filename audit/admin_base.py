"""Read-only windows: the admin shows rows, and acts are buttons with views of their own."""

from typing import Any

from django.db import models
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from audit.action import holds


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """No row is added, changed or deleted here. Seeing needs the `view` permission through a role."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        options = self.model._meta
        return holds(request.user, f"{options.app_label}.view_{options.model_name}")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):  # type: ignore[misc]  # unfold ships no types
    extra = 0
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return True  # whoever may see the row may see what belongs to it

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

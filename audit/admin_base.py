"""Read-only windows: the admin shows rows, and acts are buttons with views of their own."""

from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.admin import ShowFacets
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from audit.action import permissions_of
from audit.admin_lists import BoundedChangeList, BoundedPaginator
from audit.queries import last_verification

EXPECTED_WITHIN = timedelta(hours=25)  # it is scheduled daily


_HELD: WeakKeyDictionary[HttpRequest, frozenset[str]] = WeakKeyDictionary()
"""What the readers of the pages that are being made may see."""


def may_see(request: HttpRequest, permission: str) -> bool:
    """Whether who asked for the page holds the permission. A page asks about every window: the database is asked once.

    Acts do not ask here: they ask the database at the moment at which they count.
    """
    if request not in _HELD:
        _HELD[request] = permissions_of(request.user)
    return permission in _HELD[request]


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold ships no types
    """No row is added, changed or deleted here. Seeing needs the `view` permission through a role."""

    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count every row, once for each value
    compressed_fields = True

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        options = self.model._meta
        return may_see(request, f"{options.app_label}.view_{options.model_name}")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedChangeList]:
        return BoundedChangeList

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class RecordWindow(ReadOnlyAdmin):
    """A window on the record itself: above it stands when the whole log was last verified, and what was found."""

    list_before_template = "audit/last_verification.html"
    change_form_outer_before_template = list_before_template

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown: HttpResponse = super().changelist_view(request, _verified() | (extra_context or {}))
        return shown

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = _verified() | (extra_context or {})
        shown: HttpResponse = super().changeform_view(request, object_id, form_url, context)
        return shown


def _verified() -> dict[str, Any]:
    last = last_verification()
    return {"last_verification": last, "stale": last and timezone.now() - last.at > EXPECTED_WITHIN}


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

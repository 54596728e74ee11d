"""A window on the people whose keys were destroyed."""

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from audit.models import Erasure


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    list_display = ("erased_at", "subject_id", "purpose", "legal_basis")
    list_filter = ("purpose",)
    search_fields = ("=subject__id", "legal_basis")
    fields = ("subject", "purpose", "legal_basis", "reason", "erased_at", "entry")

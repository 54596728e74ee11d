"""Windows on the archive: what lies there and until when, what was asked back, and what is not as it should be."""

from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyInline, RecordWindow
from audit.admin_parts import coloured
from audit.models import (
    ArchiveAlarm,
    ArchivedObject,
    Epoch,
    LockExtension,
    ObjectHold,
    RestoreRequest,
)

RESTORES = {
    "requested": "info", "restoring": "info", "available": "success", "exported": "success", "refused": "danger",
}  # fmt: skip


class ExtensionInline(ReadOnlyInline):
    model = LockExtension
    fields = ("extended_at", "locked_until", "reason")
    readonly_fields = fields
    show_change_link = False


class HoldInline(ReadOnlyInline):
    model = ObjectHold
    fields = ("matter", "wanted_at", "in_force_at", "released_at", "lifted_at")
    readonly_fields = fields
    show_change_link = False


@admin.register(ArchivedObject)
class ArchivedObjectAdmin(RecordWindow):
    list_display = ("read_back_at", "key", "size_shown", "tree_size", "locked", "sha256")
    list_display_links = ("key",)
    search_fields = ("key", "=sha256")
    fields = (
        "key", "sha256", "size_shown", "origin", "tree_size", "version_id", "locked", "read_back_at", "entry",
    )  # fmt: skip
    inlines = (ExtensionInline, HoldInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ArchivedObject]:
        objects: QuerySet[ArchivedObject] = super().get_queryset(request)
        return objects.prefetch_related("extensions")

    @admin.display(description="Size", ordering="size")
    def size_shown(self, archived: ArchivedObject) -> str:
        return filesizeformat(archived.size)

    @admin.display(description="Locked until", empty_value="this store keeps no locks")
    def locked(self, archived: ArchivedObject) -> datetime | None:
        extended = [extension.locked_until for extension in archived.extensions.all()]
        return max(extended, default=archived.locked_until)


@admin.register(Epoch)
class EpochAdmin(RecordWindow):
    """Stretches of the log, each closed under one checkpoint and one object of the archive."""

    list_display = ("closed_at", "origin", "first", "last", "archived_at", "locked_until")
    list_filter = ("origin",)
    list_select_related = ("archived",)
    fields = ("origin", "first", "last", "closed_at", "archived_at", "key", "locked_until", "entry")

    @admin.display(description="Archived", empty_value="waits for a pass")
    def archived_at(self, epoch: Epoch) -> datetime | None:
        archived: ArchivedObject | None = getattr(epoch, "archived", None)
        return archived.read_back_at if archived else None

    @admin.display(description="Key")
    def key(self, epoch: Epoch) -> str:
        return epoch.key


@admin.register(RestoreRequest)
class RestoreRequestAdmin(RecordWindow):
    list_display = ("requested_at", "archived", "state_shown", "tier", "expected_at", "expires_at")
    list_display_links = ("requested_at", "archived")
    list_filter = ("state", "tier")
    fields = (
        "archived", "state_shown", "tier", "storage_class", "days", "reason", "requested_by", "requested_at",
        "expected_at", "available_at", "expires_at", "exported_at", "refusal", "entry",
    )  # fmt: skip

    @admin.display(description="State", ordering="state")
    def state_shown(self, request: RestoreRequest) -> SafeString:
        return coloured(request.state, RESTORES)


@admin.register(ArchiveAlarm)
class ArchiveAlarmAdmin(RecordWindow):
    """What a listing or a drill found that is not as it was archived. Each opens an incident."""

    list_display = ("found_at", "kind_shown", "key", "detail", "cleared_at")
    list_display_links = ("found_at", "key")
    list_filter = ("kind", ("cleared_at", admin.EmptyFieldListFilter))
    fields = ("found_at", "kind_shown", "key", "version_id", "detail", "cleared_at", "entry")

    @admin.display(description="Kind", ordering="kind")
    def kind_shown(self, alarm: ArchiveAlarm) -> SafeString:
        return coloured(alarm.kind, {} if alarm.cleared_at else {alarm.kind: "danger"})

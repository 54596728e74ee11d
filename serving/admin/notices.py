"""Windows on notices, deliveries, statuses of applications and clocks that ran out."""

from django.contrib import admin
from django.db.models import Model

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from serving.admin.parts import link
from serving.models import ApplicationStatus, LateNotice, Notice, NoticeAlert, NoticeDelivery


class DeliveryInline(ReadOnlyInline):
    model = NoticeDelivery
    hide_title = True
    fields = ("channel", "sent_at", "recorded_by", "recorded_at")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What a notice says is read from the page of its decision."""

    list_display = ("issued_at", "kind", "language", "policy", "decision_link", "issued_by")
    list_filter = ("kind", "language", "issued_at")
    list_select_related = ("policy", "decision", "issued_by")
    search_fields = ("=decision__id", "=id")
    fields = (
        "decision_link", "kind", "language", "policy", "sha256", "issued_at", "issued_by", "application_id", "entry",
    )  # fmt: skip
    inlines = (DeliveryInline,)

    @admin.display(description="Decision")
    def decision_link(self, notice: Notice) -> str:
        return link(notice.decision)


@admin.register(NoticeDelivery)
class NoticeDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("sent_at", "channel", "notice", "recorded_by", "recorded_at")
    list_filter = ("channel", "sent_at")
    list_select_related = ("notice", "recorded_by")


@admin.register(ApplicationStatus)
class ApplicationStatusAdmin(ReadOnlyAdmin):
    """What is missing of an incomplete application is in the private part of the entry."""

    list_display = ("at", "status", "model_name", "respond_by", "client", "application_id")
    list_filter = ("status", "model_name", "at")
    list_select_related = ("client",)
    search_fields = ("=application_id",)


@admin.register(LateNotice)
class LateNoticeAdmin(ReadOnlyAdmin):
    list_display = ("due_at", "about", "noticed_at", "summary")
    list_select_related = ("decision", "status")

    @admin.display(description="About")
    def about(self, late: LateNotice) -> str:
        row: Model | None = late.decision or late.status
        return link(row)


@admin.register(NoticeAlert)
class NoticeAlertAdmin(ReadOnlyAdmin):
    list_display = ("until", "model_name", "alert_day", "waiting")
    list_filter = ("model_name", "alert_day")

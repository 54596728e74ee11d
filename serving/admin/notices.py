"""Windows on notices, deliveries, statuses of applications and clocks that ran out."""

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from audit.admin_lists import KnownValuesFilter
from serving.admin.parts import link
from serving.models import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    ApplicationStatus,
    LateNotice,
    Notice,
    NoticeAlert,
    NoticeDelivery,
)


class DeliveryInline(ReadOnlyInline):
    model = NoticeDelivery
    hide_title = True
    fields = ("channel", "sent_at", "recorded_by", "recorded_at")


class ApplicationDeliveryInline(ReadOnlyInline):
    model = ApplicationNoticeDelivery
    hide_title = True
    fields = ("channel", "sent_at", "recorded_by", "recorded_at")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What a notice says is read from the page of its decision."""

    list_display = ("issued_at", "kind", "language", "policy", "decision_link", "issued_by")
    list_filter = ("kind", "issued_at")
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
    list_filter = ("sent_at",)
    list_select_related = ("notice", "recorded_by")


@admin.register(ApplicationNotice)
class ApplicationNoticeAdmin(ReadOnlyAdmin):
    """Whoever may see what applicants said reads it through *To read*."""

    list_display = ("issued_at", "kind", "answer_by", "language", "policy", "status_link")
    list_filter = ("kind", "issued_at")
    list_select_related = ("policy", "status")
    search_fields = ("=application_id", "=id")
    fields = (
        "status_link", "kind", "answer_by", "reasons_link", "to_read", "language", "policy", "sha256", "issued_at",
        "issued_by", "application_id", "entry",
    )  # fmt: skip
    inlines = (ApplicationDeliveryInline,)

    @admin.display(description="Status")
    def status_link(self, notice: ApplicationNotice) -> str:
        return link(notice.status)

    @admin.display(description="Gives the reasons of")
    def reasons_link(self, notice: ApplicationNotice) -> str:
        return link(notice.reasons_of) if notice.reasons_of else "No decision."

    @admin.display(description="To read")
    def to_read(self, notice: ApplicationNotice) -> str:
        return _to_read(notice.status)


@admin.register(ApplicationNoticeDelivery)
class ApplicationNoticeDeliveryAdmin(ReadOnlyAdmin):
    list_display = ("sent_at", "channel", "notice", "recorded_by", "recorded_at")
    list_filter = ("sent_at",)
    list_select_related = ("notice", "recorded_by")


@admin.register(ApplicationStatus)
class ApplicationStatusAdmin(ReadOnlyAdmin):
    """What is missing, asked for or offered is in the private part of the entry."""

    list_display = ("at", "status", "model_name", "respond_by", "client", "application_id")
    list_filter = ("status", ("model_name", KnownValuesFilter), "at")
    list_select_related = ("client",)
    search_fields = ("=application_id",)
    fields = (
        "at", "status", "model_name", "respond_by", "notice_link", "to_read", "client", "recorded_at", "application_id",
        "entry",
    )  # fmt: skip

    @admin.display(description="Notice")
    def notice_link(self, status: ApplicationStatus) -> str:
        return link(status.notice) if hasattr(status, "notice") else "None issued."

    @admin.display(description="To read")
    def to_read(self, status: ApplicationStatus) -> str:
        return _to_read(status) if hasattr(status, "notice") else ""


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
    list_filter = (("model_name", KnownValuesFilter),)


def _to_read(status: ApplicationStatus) -> str:
    address = reverse("status-notice", args=[status.pk])
    return format_html(
        '<a class="text-link" href="{}?format=html">page</a>, <a class="text-link" href="{}?format=pdf">PDF</a>',
        address,
        address,
    )

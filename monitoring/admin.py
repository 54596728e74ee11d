"""Read-only windows on reports, alerts, passes, and on who is known about (never on what is known)."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display as unfold_display

from audit.action import holds
from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from monitoring.models import Alert, MonitoringPass, ProtectedValue, Report
from monitoring.queries.reports import FAIRNESS_PERMISSION
from monitoring.triggers import Trigger

SEVERITIES = {"watch": "warning", "breach": "danger", "critical": "danger"}


class AlertsOfReport(ReadOnlyInline):
    model = Alert
    fields = ("severity", "trigger", "measured", "observed", "threshold", "confirmed")


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Every report, with the page and the PDF that were filed with it."""

    list_display = ("as_of", "kind", "version", "window_end", "crossed", "opened")
    list_display_links = ("as_of", "kind")
    list_filter = ("kind", "model")
    date_hierarchy = "as_of"
    fieldsets = (
        (None, {"fields": ("kind", "version", "window_start", "window_end", "as_of", "opened")}),
        ("By which limits", {"fields": ("policy", "monitoring_pass")}),
        ("Digests", {"fields": ("sha256", "html_sha256", "pdf_sha256", "entry")}),
    )
    inlines = (AlertsOfReport,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        reports: QuerySet[Report] = super().get_queryset(request)
        reports = reports.select_related("model", "version__model").prefetch_related("alerts")
        if holds(request.user, FAIRNESS_PERMISSION):
            return reports
        return reports.exclude(kind=Report.Kind.FAIRNESS)

    @admin.display(description="Limits crossed")
    def crossed(self, report: Report) -> int:
        return len(report.alerts.all())

    @admin.display(description="Report")
    def opened(self, report: Report) -> SafeString:
        address = reverse("monitoring-report", args=[report.model.name, report.kind])
        return format_html_join(
            " ",
            '<a href="{}?id={}&amp;format={}" target="_blank" class="text-primary-600">{}</a>',
            [(address, report.pk, kind, name) for kind, name in (("html", "Page"), ("pdf", "PDF"))],
        )


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = (
        "detected_at", "severity_shown", "trigger", "measured", "observed", "threshold", "standing", "version",
    )  # fmt: skip
    list_display_links = ("detected_at", "trigger")
    list_filter = ("severity", "confirmed", "trigger", "model")
    search_fields = ("measured",)
    fields = (
        "trigger", "measured", "observed", "threshold", "severity_shown", "standing", "version",
        "window_start", "window_end", "detected_at", "report", "entry",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        alerts: QuerySet[Alert] = super().get_queryset(request)
        alerts = alerts.select_related("version__model", "report__version__model")
        if holds(request.user, FAIRNESS_PERMISSION):
            return alerts
        return alerts.exclude(trigger=Trigger.ADVERSE_IMPACT_RATIO)

    @unfold_display(description="Severity", label=SEVERITIES)  # type: ignore[untyped-decorator]  # unfold ships no types
    def severity_shown(self, alert: Alert) -> str:
        return alert.severity

    @admin.display(description="Persistence")
    def standing(self, alert: Alert) -> str:
        verdict = "confirmed" if alert.confirmed else f"{alert.needed} needed"
        return f"crossed in {alert.crossed} of {alert.windows}, {verdict}"


class ReportsOfPass(ReadOnlyInline):
    model = Report
    fields = ("kind", "version", "as_of", "sha256")


@admin.register(MonitoringPass)
class MonitoringPassAdmin(ReadOnlyAdmin):
    list_display = (
        "requested_at",
        "model",
        "window_start",
        "window_end",
        "state_shown",
        "requested_by",
    )
    list_display_links = ("requested_at", "model")
    list_filter = ("state", "model")
    fields = (
        "model", "window_start", "window_end", "kinds", "state_shown", "problem", "requested_by",
        "requested_at", "finished_at", "entry",
    )  # fmt: skip
    inlines = (ReportsOfPass,)

    @unfold_display(  # type: ignore[untyped-decorator]  # unfold ships no types
        description="State", label={"requested": "info", "finished": "success", "failed": "danger"}
    )
    def state_shown(self, asked: MonitoringPass) -> str:
        return asked.state


@admin.register(ProtectedValue)
class ProtectedValueAdmin(ReadOnlyAdmin):
    """About whom protected attributes are known, and which: the values are shown to nobody."""

    list_display = ("supplied_at", "scope", "about_whom", "names")
    list_display_links = ("supplied_at",)
    list_filter = ("scope",)
    search_fields = ("=subject_id", "=dataset_sha256", "=row_id")
    fields = ("scope", "about_whom", "names", "key_id", "supplied_at", "entry")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProtectedValue]:
        values: QuerySet[ProtectedValue] = super().get_queryset(request)
        return values.defer("ciphertext")

    @admin.display(description="About")
    def about_whom(self, value: ProtectedValue) -> str:
        return value.about

    @admin.display(description="Attributes")
    def names(self, value: ProtectedValue) -> SafeString:
        names: list[Any] = [(name,) for name in value.attributes]
        return format_html_join(", ", "{}", names) if names else format_html("")

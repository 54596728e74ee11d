"""Addresses of this floor, under /api/v1/."""

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from monitoring.api import Alerts, LatestReport, PassDetail, Passes, People, Reports
from monitoring.models import Report


class ReportKind(StringConverter):
    regex = "|".join(Report.Kind.values)


register_converter(ReportKind, "report_kind")

urlpatterns: list[URLPattern] = [
    path("demographics", People.as_view()),
    path("models/<slug:model>/reports", Reports.as_view()),
    path(
        "models/<slug:model>/reports/<report_kind:kind>",
        LatestReport.as_view(),
        name="monitoring-report",
    ),
    path("models/<slug:model>/monitoring-passes", Passes.as_view()),
    path("monitoring-passes/<uuid:pass_id>", PassDetail.as_view()),
    path("alerts", Alerts.as_view()),
]

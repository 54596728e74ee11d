"""Named reads of reports, alerts and passes."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from audit.action import holds
from audit.store import content_store
from monitoring.errors import PassUnknown, ReportUnknown
from monitoring.models import Alert, MonitoringPass, Report
from monitoring.triggers import Finding, Severity, Trigger
from registry.models import ModelVersion, ScoringModel

FAIRNESS_PERMISSION = "monitoring.view_fairness_report"


def reports_of(model: ScoringModel, kind: str | None = None) -> QuerySet[Report]:
    """Reports about the model's versions, newest first."""
    reports = Report.objects.filter(model=model).select_related("version__model", "policy")
    return reports.filter(kind=kind) if kind else reports


def report_of(model: ScoringModel, kind: str, report_id: int | None = None) -> Report:
    """The newest report of its kind, or the one asked for. Raises ReportUnknown."""
    reports = reports_of(model, kind)
    report = reports.filter(pk=report_id).first() if report_id else reports.first()
    if report is None:
        which = f"number {report_id}" if report_id else "yet"
        raise ReportUnknown(f"{model} has no {kind} report {which}.")
    return report


def page_of(report: Report) -> bytes:
    """The report as a page. Raises NotStored or StoredBytesDiffer."""
    return content_store().get("reports", report.html_sha256)


def pdf_of(report: Report) -> bytes:
    """The report as a PDF. Raises NotStored or StoredBytesDiffer."""
    return content_store().get("reports", report.pdf_sha256)


def earlier_findings(
    kind: str, version: ModelVersion, before: datetime, most: int
) -> list[list[Finding]]:
    """What reports on the last `most` windows that ended by `before` found, the latest window first.

    Windows that overlap the one at hand share its decisions and prove no persistence, so they do not
    count; of several reports on one window the newest does.
    """
    reports = Report.objects.filter(kind=kind, version=version, window_end__lte=before)
    windows: dict[datetime, Report] = {}
    for report in reports.order_by("-window_end", "-pk").prefetch_related("alerts"):
        if report.window_end not in windows and len(windows) == most:
            break
        windows.setdefault(report.window_end, report)
    return [[_finding(alert) for alert in report.alerts.all()] for report in windows.values()]


def alerts(model_name: str | None = None) -> QuerySet[Alert]:
    """Alerts of one model or of all, newest first."""
    found = Alert.objects.select_related("model", "version__model", "report")
    return found.filter(model__name=model_name) if model_name else found


def alerts_for(reader: User, model_name: str | None = None) -> QuerySet[Alert]:
    """Alerts that the reader may see: those about protected groups only with the permission to."""
    found = alerts(model_name)
    if holds(reader, FAIRNESS_PERMISSION):
        return found
    return found.exclude(trigger=Trigger.ADVERSE_IMPACT_RATIO)


def pass_with(pass_id: UUID) -> MonitoringPass:
    """Raises PassUnknown."""
    found = (
        MonitoringPass.objects.select_related("model", "requested_by").filter(pk=pass_id).first()
    )
    if found is None:
        raise PassUnknown(f"There is no monitoring pass {pass_id}.")
    return found


def passes_waiting_since(before: datetime) -> QuerySet[MonitoringPass]:
    """Passes asked for before that time that nobody has carried out: their message was lost."""
    return MonitoringPass.objects.filter(
        state=MonitoringPass.State.REQUESTED, requested_at__lt=before
    )


def _finding(alert: Alert) -> Finding:
    return Finding(
        Trigger(alert.trigger),
        alert.measured,
        alert.observed,
        alert.threshold,
        Severity(alert.severity),
    )

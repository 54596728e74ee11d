"""Filing reports, and raising alerts for what they found."""

from typing import Any

from django.contrib.auth.models import User

from audit.action import action, record
from audit.canonical import digest_json
from audit.store import content_store
from monitoring.drafting.drafts import Draft
from monitoring.events import Event
from monitoring.models import Alert, MonitoringPass, Report
from monitoring.triggers import Finding, Standing


@action(Event.REPORT_MADE, needs="monitoring.make_report")
def make_report(draft: Draft, *, by: User, monitoring_pass: MonitoringPass | None = None) -> Report:
    """File a drafted report with its page and PDF, and raise an alert for each limit it found crossed.

    The entry says which protected attributes of how many people were read for it.
    """
    store = content_store()
    report = Report(
        kind=draft.kind,
        model=draft.version.model,
        version=draft.version,
        policy=draft.policy,
        monitoring_pass=monitoring_pass,
        window_start=draft.window_start,
        window_end=draft.window_end,
        as_of=draft.as_of,
        results=draft.results,
        sha256=digest_json(draft.results),
        html_sha256=store.put("reports", draft.page),
        pdf_sha256=store.put("reports", draft.pdf),
    )
    report.entry = record(
        subject=draft.version.subject,
        kind=report.kind,
        window_start=report.window_start,
        window_end=report.window_end,
        as_of=report.as_of,
        policy=draft.policy.subject[1],
        report_sha256=report.sha256,
        html_sha256=report.html_sha256,
        pdf_sha256=report.pdf_sha256,
        protected_columns_read=list(draft.protected_columns),
        protected_people_read=draft.protected_people,
        limits_crossed=len(draft.found),
        monitoring_pass=monitoring_pass and monitoring_pass.pk,
    )
    report.save(force_insert=True)
    for finding, standing in draft.found:
        raise_alert(report, finding, standing, by=by)
    return report


@action(Event.ALERT_RAISED, needs="monitoring.raise_alert")
def raise_alert(report: Report, finding: Finding, standing: Standing, *, by: User) -> Alert:
    """Say that a limit was crossed, by how much, and whether it has persisted.

    The entry, which many may read, leaves a protected group and its ratio to the report that it names.
    """
    alert = Alert(
        model=report.model,
        version=report.version,
        report=report,
        trigger=finding.trigger,
        measured=finding.measured,
        observed=finding.observed,
        threshold=finding.threshold,
        severity=finding.severity,
        crossed=standing.crossed,
        windows=standing.windows,
        needed=standing.needed,
        confirmed=standing.confirmed,
        window_start=report.window_start,
        window_end=report.window_end,
        detected_at=report.as_of,
    )
    numbers: dict[str, Any] = {"measured": alert.measured, "observed": alert.observed}
    told = {} if alert.is_about_groups else numbers
    alert.entry = record(
        subject=report.version.subject,
        trigger=alert.trigger,
        **told,
        threshold=alert.threshold,
        severity=alert.severity,
        crossed=alert.crossed,
        windows=alert.windows,
        needed=alert.needed,
        confirmed=alert.confirmed,
        window_start=alert.window_start,
        window_end=alert.window_end,
        report_sha256=report.sha256,
    )
    alert.save(force_insert=True)
    return alert

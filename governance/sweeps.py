"""What is looked for on a schedule: facts that nobody was told of, and intents that nobody carried out.

A sweep may be interrupted or run twice: each act that it makes is refused or has no effect the second time.
"""

from collections import defaultdict
from contextlib import suppress

from django.utils import timezone

from audit.actions.archive_locks import start_retention
from audit.context import acting
from audit.dispatch import send_on_commit
from audit.queries import service_account
from governance.actions.cases import (
    WARN_AT_PERCENT,
    attach_alert,
    mark_breached,
    open_case,
    warn_of_clock,
)
from governance.actions.changes import expire_change, void_change
from governance.actions.findings import notice_overdue_finding, restrict_for_finding
from governance.actions.incidents import open_incident
from governance.actions.recertification import (
    notice_late_recertification,
    open_recertification,
)
from governance.actions.reminders import remind_of_change
from governance.actions.revalidations import answer_tier_change, open_revalidation
from governance.models import RetrainingCase, Revalidation
from governance.queries import cases, changes, findings, incidents, oversight, recertification
from governance.queries.retention import SUBJECT, unknown_starts
from governance.rollout_populations import population_readings
from monitoring.models import Alert
from serving.actions.guard_rails import evaluate_guard_rails
from serving.actions.reviews import notice_late_review
from serving.errors import DeploymentEnded
from serving.reviews import newly_late_reviews
from serving.rollouts import steps_to_evaluate

State = RetrainingCase.State


def open_cases() -> None:
    """Open one case per model and cause for alerts that persisted, or add them to the case that is open."""
    monitor = service_account("monitor")
    unanswered: dict[tuple[int, str], list[Alert]] = defaultdict(list)
    for alert in cases.alerts_without_case():
        unanswered[alert.model_id, cases.CAUSES[alert.trigger]].append(alert)
    with acting(trigger="alerts"):
        for (_, cause), alerts in unanswered.items():
            model = alerts[0].model
            known = cases.open_cases().filter(model=model, cause=cause).first()
            if known is None:
                open_case(model, cause, _reason(alerts), by=monitor, alerts=alerts)
                continue
            for alert in alerts:
                attach_alert(known.pk, alert, by=monitor)


def advance_cases() -> None:
    """Send every open case on its way again: a message may be lost, a worker may be killed, a run may have ended."""
    for case in cases.open_cases():
        if cases.next_step(case) is not None:
            send_on_commit("governance.advance_case", str(case.pk))


def watch_case_clock() -> None:
    """Warn as the time of a case is used up, and record when it has passed."""
    monitor, now = service_account("monitor"), timezone.now()
    with acting(trigger="clock"):
        for case in cases.open_cases():
            warned = {warning.percent for warning in case.warnings.all()}
            for percent in WARN_AT_PERCENT:
                if percent not in warned and case.used_share(now) * 100 >= percent:
                    warn_of_clock(case.pk, percent, by=monitor)
            if now >= case.due_at and case.state in {State.OPEN, State.WAITING}:
                mark_breached(case.pk, by=monitor)


def close_stale_changes() -> None:
    """Void requests whose evidence changed, and expire those that nobody decided in time."""
    monitor, now = service_account("monitor"), timezone.now()
    with acting(trigger="stale changes"):
        for change in changes.open_changes():
            if now >= change.expires_at:
                expire_change(change.pk, by=monitor)
            elif changes.is_stale(change, now):
                void_change(change.pk, by=monitor)


def remind_of_changes() -> None:
    """Remind those who may decide a change that is about to expire."""
    monitor, now = service_account("monitor"), timezone.now()
    with acting(trigger="clock"):
        for change in changes.open_changes():
            if changes.reminder_due(change, now) is not None:
                remind_of_change(change.pk, by=monitor)


def open_incidents() -> None:
    """Open an incident for what lower floors left as a fact and nobody looks at yet."""
    monitor = service_account("monitor")
    with acting(trigger="facts"):
        for fact in list(incidents.unanswered_facts()):
            open_incident(fact, by=monitor)


def evaluate_rollouts() -> None:
    """Evaluate the guard rails of every running step that is due: in serving, and in the population that it decides."""
    monitor, now = service_account("monitor"), timezone.now()
    with acting(trigger="schedule"):
        for step in list(steps_to_evaluate(now)):
            further = population_readings(step, now, reader=monitor)
            with suppress(DeploymentEnded):  # somebody was faster
                evaluate_guard_rails(step.pk, by=monitor, further=further)


def watch_findings() -> None:
    """Leave the fact that a high or critical finding was not closed in time; an incident is opened from it."""
    monitor = service_account("monitor")
    with acting(trigger="clock"):
        for finding in list(findings.newly_overdue(timezone.now().date())):
            notice_overdue_finding(finding.pk, by=monitor)


def restrict_for_findings() -> None:
    """Restrict the use of what findings are about, as the oversight policy says; also again, where somebody lifted it."""
    monitor = service_account("monitor")
    with acting(trigger="findings"):
        for measure in list(findings.restrictions_to_place(timezone.now())):
            restrict_for_finding(measure.finding.pk, by=monitor)


def open_periodic_revalidations() -> None:
    """Open a revalidation for every model whose period has passed."""
    monitor = service_account("monitor")
    with acting(trigger="clock"):
        for model, due_on in list(oversight.periodic_revalidations_due(timezone.now())):
            open_revalidation(model, Revalidation.Cause.PERIODIC, due_on, by=monitor)


def answer_tier_changes() -> None:
    """See that every change of a model's tier has its revalidation."""
    monitor = service_account("monitor")
    with acting(trigger="facts"):
        for change in list(oversight.unanswered_tier_changes()):
            answer_tier_change(change, by=monitor)


def recertify_roles() -> None:
    """Open each quarter's review of roles, and leave the fact where one was not decided in time."""
    monitor, now = service_account("monitor"), timezone.now()
    with acting(trigger="clock"):
        if recertification.is_recertification_due(now):
            open_recertification(by=monitor)
        for late in list(recertification.newly_late_recertifications(now.date())):
            notice_late_recertification(late.pk, by=monitor)


def watch_reviews() -> None:
    """Leave the fact where a contested decision was not reviewed in time."""
    monitor = service_account("monitor")
    with acting(trigger="clock"):
        for late in list(newly_late_reviews(timezone.now().date())):
            notice_late_review(late.pk, by=monitor)


def start_retentions() -> None:
    """Tell the archive when a version was retired and when it was put into service: its documents are kept from then on."""
    archiver = service_account("archiver")
    with acting(trigger="sweep"):
        for record_class, version_id, started_on in list(unknown_starts(timezone.now())):
            start_retention(record_class, SUBJECT, str(version_id), started_on, by=archiver)


def _reason(alerts: list[Alert]) -> str:
    return "; ".join(str(alert) for alert in alerts)[:1000]

"""Named reads about gate runs and reports."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from audit.action import holds
from governance.errors import NoSuchGateReport, NoSuchGateRun
from governance.gates import WORST_FIRST
from governance.models import GateReport, GateRun
from monitoring.queries.reports import FAIRNESS_PERMISSION
from registry.models import ModelVersion

DEAD_AFTER = timedelta(minutes=30)
"""A measuring that began before this is taken to have lost its worker (our choice: measuring takes minutes)."""


def gate_run_with(run_id: UUID) -> GateRun:
    """Raises NoSuchGateRun."""
    run = gate_runs().filter(pk=run_id).first()
    if run is None:
        raise NoSuchGateRun(f"There is no measuring {run_id}.")
    return run


def gate_runs() -> QuerySet[GateRun]:
    return GateRun.objects.select_related("version__model", "requested_by", "report")


def is_free(run: GateRun, at: datetime) -> bool:
    """Whether a worker may take the measuring: nobody did, or whoever did has stopped."""
    if run.state == GateRun.State.RUNNING:
        return run.started_at is not None and run.started_at < at - DEAD_AFTER
    return run.state == GateRun.State.QUEUED


def gate_runs_waiting(asked_before: datetime, at: datetime) -> QuerySet[GateRun]:
    """Runs that no worker took since that time, and runs whose worker stopped."""
    return gate_runs().filter(
        Q(state=GateRun.State.QUEUED, requested_at__lt=asked_before)
        | Q(state=GateRun.State.RUNNING, started_at__lt=at - DEAD_AFTER)
    )


def reports_of(version: ModelVersion) -> QuerySet[GateReport]:
    """Newest first."""
    return version.gate_reports.select_related("policy", "run", "version__model").order_by("-id")


def report_of(version: ModelVersion, report_id: int) -> GateReport:
    """Raises NoSuchGateReport."""
    report = reports_of(version).filter(pk=report_id).first()
    if report is None:
        raise NoSuchGateReport(f"{version} has no gate report {report_id}.")
    return report


def results_for(reader: User, report: GateReport) -> list[dict[str, Any]]:
    """The report's verdicts as this person may see them.

    How single groups fare is for those who may see fairness reports (DOMAIN.md 2.1); others are told the worst
    verdict of the check, so that they know whether it blocks.
    """
    results: list[dict[str, Any]] = list(report.results)
    if holds(reader, FAIRNESS_PERMISSION):
        return results
    of_groups = [result for result in results if result["subject"]]
    checks = {result["check"]: result for result in of_groups}
    shown = [result for result in results if not result["subject"]]
    return shown + [
        _without_groups(check, [each["status"] for each in of_groups if each["check"] == name])
        for name, check in checks.items()
    ]


def limit_of(result: Mapping[str, Any]) -> str:
    """The limit that a verdict was judged by; under an exception, the policy's own as well, and which exception."""
    if not result.get("exception"):
        return str(result["threshold"])
    return f"{result['threshold']} by exception {result['exception']}; the policy asks {result['policy_threshold']}"


def _without_groups(check: dict[str, Any], statuses: list[str]) -> dict[str, Any]:
    return {
        **check,
        "subject": "",
        "status": min(statuses, key=WORST_FIRST.index),
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "details": [],
        "why": "The worst verdict of all groups. Their ratios are shown to those who may see fairness reports.",
    }

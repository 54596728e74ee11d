"""manage.py monitor MODEL [--from TIME] [--until TIME]: one monitoring pass now."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rich.table import Table

from audit.command_base import ActCommand
from monitoring import execution
from monitoring.actions.passes import request_pass
from monitoring.models import Alert, MonitoringPass
from monitoring.queries.reports import alerts, pass_with


class Command(ActCommand):
    help = "Measure drift, fairness, performance and reasons of one model over one window, and file the reports."
    account = "monitor"

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("--from", dest="start", type=_moment, metavar="TIME")
        parser.add_argument("--until", dest="end", type=_moment, metavar="TIME")

    def act(self, *, by: User, **options: Any) -> None:
        asked = request_pass(
            options["model"], by=by, start=options["start"], end=options["end"], send=False
        )
        with self.console.status("Measuring"):
            execution.run_pass(asked.pk, by=by)
        finished = pass_with(asked.pk)
        if finished.state == MonitoringPass.State.FAILED:
            raise CommandError(f"The pass failed. {finished.problem}")
        self._show(finished)

    def _show(self, finished: MonitoringPass) -> None:
        for report in finished.reports.order_by("pk"):
            self.console.print(f"{report.kind:12} sha256 {report.sha256}")
        if finished.problem:
            self.console.print(f"Left out: {finished.problem}")
        raised = alerts().filter(report__monitoring_pass=finished)
        if not raised:
            self.console.print("No limit was crossed.")
            return
        table = Table("severity", "trigger", "of", "observed", "limit", "confirmed")
        for alert in raised:
            table.add_row(*_row(alert))
        self.console.print(table)


def _row(alert: Alert) -> list[str]:
    return [
        alert.severity,
        alert.trigger,
        alert.measured,
        f"{alert.observed:.3f}",
        f"{alert.threshold:g}",
        "yes" if alert.confirmed else f"{alert.crossed} of {alert.needed} windows",
    ]


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(text)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

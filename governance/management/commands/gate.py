"""Measure a version for CI: exit code 0 when it passes its gates, else 1."""

import json
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from rich.table import Table

from audit.command_base import ActCommand
from audit.queries import service_account
from governance import gate_runs
from governance.actions.gates import request_gates
from governance.models import GateReport
from governance.queries.gates import gate_run_with, limit_of, results_for
from registry.queries import model_named, version_numbered

COLOURS = {"pass": "green", "watch": "yellow", "fail": "red", "insufficient_data": "magenta"}


class Command(ActCommand):
    help = "Measure a version against the gate policy in force. Exits 0 when it passes, else 1."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("model")
        parser.add_argument("version", type=int)
        parser.add_argument("--json", action="store_true", help="write the report as JSON")

    def act(self, *, by: User, **options: Any) -> None:
        version = version_numbered(model_named(options["model"]), options["version"])
        run = request_gates(version, by=by, send=False)
        report = gate_runs.carry_out(run.pk, by=service_account("retrainer"))
        if report is None:
            raise CommandError(f"{version} could not be measured: {gate_run_with(run.pk).error}")
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report, by), indent=2))
        else:
            self._show(report, by)
        if not report.passed:
            raise CommandError(f"{version} does not pass {report.policy}.")

    def _show(self, report: GateReport, reader: User) -> None:
        table = Table("check", "", "value", "limit", "n", "why", title=str(report))
        for result in results_for(reader, report):
            colour = COLOURS[result["status"]]
            value = "" if result["value"] is None else f"{result['value']:.4g}"
            table.add_row(
                " ".join(filter(None, (result["check"], result["subject"]))),
                f"[{colour}]{result['status']}[/]",
                value,
                limit_of(result),
                f"{result['n']:,}",
                result["why"],
            )
        self.console.print(table)


def _as_json(report: GateReport, reader: User) -> dict[str, Any]:
    return {
        "model": report.version.model.name,
        "version": report.version.number,
        "policy": str(report.policy),
        "passed": report.passed,
        "sha256": report.sha256,
        "measured_at": report.measured_at.isoformat(),
        "results": results_for(reader, report),
    }

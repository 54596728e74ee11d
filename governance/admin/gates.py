"""Windows on gate runs and reports."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from audit.errors import Refusal
from governance.admin.parts import link, number, picture, table, tag
from governance.models import GateReport, GateRun
from governance.queries.gates import limit_of, results_for
from registry.measures.grades import Grade
from registry.queries import plot_of


@admin.register(GateReport)
class GateReportAdmin(ReadOnlyAdmin):
    """What a version measured, check by check."""

    list_display = ("measured_at", "version", "verdict", "policy", "sha256")
    list_display_links = ("measured_at", "version")
    list_filter = ("passed", "version__model")
    list_select_related = ("version__model", "policy")
    fieldsets = (
        (None, {"fields": ("about", "verdict", "policy", "measured_at")}),
        ("Checks", {"fields": ("results_table",)}),
        ("Pictures", {"fields": ("roc_picture", "grades_picture", "csi_picture")}),
        ("Record", {"fields": ("sha256", "run", "entry")}),
    )

    @admin.display(description="Version")
    def about(self, report: GateReport) -> str:
        return link(report.version)

    @admin.display(description="Verdict", ordering="passed")
    def verdict(self, report: GateReport) -> SafeString:
        return tag("passed" if report.passed else "not passed")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> GateReport | None:
        """The report with the results that this reader may see; it is shown and never saved."""
        report: GateReport | None = super().get_object(request, object_id, from_field)
        if report is not None:
            assert isinstance(request.user, User)
            report.results = results_for(request.user, report)
        return report

    @admin.display(description="Checks")
    def results_table(self, report: GateReport) -> SafeString:
        return table(
            ["Check", "About", "Verdict", "Measured", "Limit", "n", "Severity", "Why"],
            [
                (
                    result["check"].replace("_", " "),
                    result["subject"],
                    tag(result["status"]),
                    number(result["value"]),
                    limit_of(result),
                    f"{result['n']:,}" if result["n"] else "-",
                    result["severity"],
                    result["why"],
                )
                for result in report.results
            ],
        )

    @admin.display(description="Rank order")
    def roc_picture(self, report: GateReport) -> str:
        try:
            svg = plot_of(report.version.run, "roc").decode()
        except Refusal as refusal:
            return refusal.detail
        return picture(svg, "Share of bads called bad against share of goods called bad")

    @admin.display(description="Calibration by grade")
    def grades_picture(self, report: GateReport) -> str:
        from registry import charts  # brings altair, which only pictures need

        found = [Grade.from_json(row) for row in _details(report, "calibration_by_grade")]
        if not found:
            return "The policy did not ask for it."
        return picture(charts.calibration(found), "Observed bad rate of each grade against its pd")

    @admin.display(description="Stability of features, training against holdout")
    def csi_picture(self, report: GateReport) -> str:
        from registry import charts  # brings altair, which only pictures need

        values = {row["feature"]: row["value"] for row in _details(report, "feature_csi")}
        if not values:
            return "The policy did not ask for it."
        svg = charts.importance(values, title="Characteristic stability index")
        return picture(svg, "Characteristic stability index of each feature")


def _details(report: GateReport, check: str) -> list[dict[str, Any]]:
    """The numbers behind a check; none in a report from before details were kept."""
    return [
        row
        for result in report.results
        if result["check"] == check
        for row in result.get("details", [])
    ]


@admin.register(GateRun)
class GateRunAdmin(ReadOnlyAdmin):
    list_display = ("requested_at", "version", "state_shown", "requested_by", "finished_at")
    list_display_links = ("requested_at", "version")
    list_filter = ("state",)
    list_select_related = ("version__model", "requested_by")
    fields = (
        "version",
        "state_shown",
        "error",
        "requested_by",
        "requested_at",
        "started_at",
        "finished_at",
        "entry",
    )

    @admin.display(description="State", ordering="state")
    def state_shown(self, run: GateRun) -> SafeString:
        return tag(run.state)

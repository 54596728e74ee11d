"""What clients and tracking servers said of runs, and what is said back."""

import json

from django.contrib import admin

from audit.admin_base import ReadOnlyAdmin
from audit.admin_parts import preformatted
from registry.admin.parts import link, tag
from registry.models import RunReport, TrackedRun, WriteBack


@admin.register(RunReport)
class RunReportAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "run_link", "reported_at")
    list_select_related = ("run__model",)
    fields = ("run", "key", "said", "said_sha256", "reported_at", "entry")

    @admin.display(description="Run")
    def run_link(self, report: RunReport) -> str:
        return link(report.run)

    @admin.display(description="What was said")
    def said(self, report: RunReport) -> str:
        return preformatted(json.dumps(report.body, indent=2))


@admin.register(TrackedRun)
class TrackedRunAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "run_link", "flavour", "imported_by", "imported_at")
    list_select_related = ("run__model", "imported_by")
    fields = (
        "run",
        "tracking_uri",
        "mlflow_run_id",
        "model_name",
        "model_version",
        "flavour",
        "signature",
        "imported_by",
        "imported_at",
        "entry",
    )

    @admin.display(description="Run")
    def run_link(self, tracked: TrackedRun) -> str:
        return link(tracked.run)


@admin.register(WriteBack)
class WriteBackAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "told", "tracked", "attempts", "due_at", "ended_at")
    list_filter = ("state",)
    list_select_related = ("change__version__model", "tracked")
    fields = ("change", "tracked", "state", "attempts", "error", "due_at", "ended_at", "entry")

    @admin.display(description="State", ordering="state")
    def told(self, write_back: WriteBack) -> str:
        return tag(write_back.state)

"""Training runs."""

from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from audit.admin_base import ReadOnlyAdmin
from registry import queries
from registry.admin.comparing import comparison_page
from registry.admin.parts import figure, link, links, number, side_by_side, table, tag
from registry.models import Run, TrackedRun

MEASURES = ("auc", "gini", "ks_separation", "brier", "log_loss")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "state",
        "model_link",
        "dataset_link",
        "auc",
        "requested_by",
        "requested_at",
    )
    actions = ("compare",)
    list_filter = ("status", "algorithm", "model")
    list_select_related = ("model", "dataset", "requested_by")
    fieldsets = (
        (None, {"fields": ("model", "dataset", "state", "error", "requested_by", "requested_at")}),
        ("Asked for", {"fields": ("algorithm", "params", "seed", "holdout_share")}),
        ("Measures", {"fields": ("measures_table", "pictures")}),
        ("Reported by the client, not measured here", {"fields": ("reported_table", "origin")}),
        ("Left", {"fields": ("artefact_link", "content_sha256", "versions_made")}),
        (
            "Provenance",
            {"fields": ("code_revision", "environment_sha256", "started_at", "finished_at")},
        ),
        ("Trained again", {"fields": ("reproductions_table",)}),
        ("Record", {"fields": ("id", "entry")}),
    )

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "compare/", self.admin_site.admin_view(comparison_page), name="registry_run_compare"
        )
        return [page, *super().get_urls()]

    @admin.action(description="Compare side by side (2 to 5)")
    def compare(self, request: HttpRequest, chosen: QuerySet[Run]) -> HttpResponseRedirect:
        words = urlencode([("run", str(run.pk)) for run in chosen.order_by("id")])
        return HttpResponseRedirect(f"{reverse('admin:registry_run_compare')}?{words}")

    @admin.display(description="Status", ordering="status")
    def state(self, run: Run) -> str:
        return tag(run.status)

    @admin.display(description="Model", ordering="model")
    def model_link(self, run: Run) -> str:
        return link(run.model)

    @admin.display(description="Data set", ordering="dataset")
    def dataset_link(self, run: Run) -> str:
        return link(run.dataset)

    @admin.display(description="AUC on holdout")
    def auc(self, run: Run) -> str:
        holdout = run.metrics.get("holdout")
        return number(holdout["performance"]["auc"]) if holdout else "-"

    @admin.display(description="Performance")
    def measures_table(self, run: Run) -> str:
        if not run.metrics:
            return "-"
        return table(
            ["Rows", "Count", "Bad", *MEASURES],
            [
                (
                    part.replace("_", " "),
                    run.metrics[part]["performance"]["n"],
                    run.metrics[part]["performance"]["n_bad"],
                    *(number(run.metrics[part]["performance"][name]) for name in MEASURES),
                )
                for part in ("in_sample", "holdout")
            ],
        )

    @admin.display(description="Plots")
    def pictures(self, run: Run) -> str:
        plots = [figure(queries.plot_of(run, name).decode(), name) for name in run.plots]
        return side_by_side(plots) if plots else "-"

    @admin.display(description="Parameters, metrics and tags")
    def reported_table(self, run: Run) -> str:
        said = queries.reported_of(run)
        kinds = (("parameter", said.params), ("metric", said.last), ("tag", said.tags))
        rows = [(kind, name, value) for kind, values in kinds for name, value in values.items()]
        return table(["Kind", "Name", "Last value"], rows) if rows else "-"

    @admin.display(description="Imported from")
    def origin(self, run: Run) -> str:
        return link(TrackedRun.objects.filter(run=run).first())

    @admin.display(description="Artefact")
    def artefact_link(self, run: Run) -> str:
        return link(run.artefact) if run.artefact_sha256 else "-"

    @admin.display(description="Versions")
    def versions_made(self, run: Run) -> str:
        return links(run.versions.select_related("model"))

    @admin.display(description="Reproductions")
    def reproductions_table(self, run: Run) -> str:
        if run.is_outside:
            return "It was trained outside, so its record does not say how to train it again."
        found = run.reproductions.select_related("reproduced_by")
        if not found:
            return "Nobody has trained this run again: `manage.py reproduce RUN`."
        return table(
            ["When", "By", "Result", "AUC change", "Packages that differ"],
            [
                (
                    f"{one.reproduced_at:%Y-%m-%d %H:%M}",
                    one.reproduced_by,
                    tag(one.verdict),
                    f"{one.holdout_auc_change:+.6f}",
                    ", ".join(one.environment_changes) or "none",
                )
                for one in found
            ],
        )

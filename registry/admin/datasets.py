"""Registered data sets."""

from functools import lru_cache

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.admin_base import ReadOnlyAdmin
from registry import queries
from registry.admin.parts import figure, links, number, side_by_side, table, tag
from registry.models import Dataset
from registry.profile import QUANTILES, FeatureProfile


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "came_from",
        "rows",
        "short_sha256",
        "newest_on",
        "checks_passed",
        "expected",
        "expectations_policy",
        "versions_of",
        "registered_by",
        "created_at",
    )
    search_fields = ("name", "sha256", "source")
    list_select_related = ("registered_by", "expectations_policy")
    fieldsets = (
        (None, {"fields": ("name", "sha256", "rows", "source", "licence", "label_meaning")}),
        ("Where it came from", {"fields": ("origin_table", "newest_on")}),
        ("Lineage", {"fields": ("runs_of", "versions_of", "tables_joined")}),
        ("Features", {"fields": ("features_table",)}),
        ("Profile", {"fields": ("profile_table", "profile_pictures")}),
        ("Checks", {"fields": ("checks_table",)}),
        ("Expectations", {"fields": ("expectations_policy", "expectations_table")}),
        ("Left out", {"fields": ("split_off", "ignored_table")}),
        ("Record", {"fields": ("registered_by", "created_at", "entry")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        found: QuerySet[Dataset] = super().get_queryset(request)
        return found.prefetch_related("versions__model")

    @admin.display(description="From")
    def came_from(self, dataset: Dataset) -> str:
        words = (dataset.origin.get(key) for key in ("kind", "source"))
        return " ".join(word for word in words if word) or "-"

    @admin.display(description="Expectations")
    def expected(self, dataset: Dataset) -> str:
        if dataset.expectations_policy_id is None:
            return "none in force"
        passed = sum(one["passed"] for one in dataset.expectations)
        return f"{passed} of {len(dataset.expectations)} passed"

    @admin.display(description="Origin")
    def origin_table(self, dataset: Dataset) -> str:
        return table(["", ""], [(key, value) for key, value in dataset.origin.items() if value])

    @admin.display(description="Expectations")
    def expectations_table(self, dataset: Dataset) -> str:
        return table(
            ["Column", "Expectation", "Result", "Blocks", "Found", "Limit"],
            [
                (
                    one["column"],
                    one["check"],
                    tag("passed" if one["passed"] else "failed"),
                    "yes" if one["blocking"] else "no",
                    one["why"],
                    one["limit"],
                )
                for one in dataset.expectations
            ],
        )

    @admin.display(description="SHA-256")
    def short_sha256(self, dataset: Dataset) -> str:
        return dataset.sha256[:12]

    @admin.display(description="Checks")
    def checks_passed(self, dataset: Dataset) -> str:
        checks = dataset.validation["checks"]
        return f"{sum(check['passed'] for check in checks)} of {len(checks)} passed"

    @admin.display(description="What bad means")
    def label_meaning(self, dataset: Dataset) -> str:
        return str(dataset.description.get("label_meaning", ""))

    @admin.display(description="Runs")
    def runs_of(self, dataset: Dataset) -> str:
        return links(dataset.runs.select_related("model"))

    @admin.display(description="Versions")
    def versions_of(self, dataset: Dataset) -> str:
        return links(dataset.versions.all())

    @admin.display(description="Feature tables joined")
    def tables_joined(self, dataset: Dataset) -> str:
        joined = dataset.description.get("feature_tables", {})
        if not joined:
            return "-"
        return table(
            [
                "Table",
                "Features",
                "Rows with a value",
                "Without one",
                "Recorded after their moment",
            ],
            [
                (
                    reference,
                    ", ".join(one["features"]),
                    one["found"],
                    one["not_known"],
                    one["recorded_later"],
                )
                for reference, one in joined.items()
            ],
        )

    @admin.display(description="Features")
    def features_table(self, dataset: Dataset) -> str:
        features = queries.contract_of(dataset).features
        return table(
            [
                "Feature",
                "Type",
                "Range",
                "Missing",
                "Direction",
                "Reason group",
                "Looked up in",
                "Meaning",
            ],
            [
                (
                    feature.name,
                    feature.type,
                    feature.values_in_words,
                    feature.missing,
                    feature.monotone,
                    feature.reason_group,
                    feature.table or "-",
                    feature.description,
                )
                for feature in features
            ],
        )

    @admin.display(description="Values")
    def profile_table(self, dataset: Dataset) -> str:
        return table(
            ["Feature", "Missing", "Distinct", "Mean", "SD", *QUANTILES],
            [
                (
                    one.name,
                    f"{one.missing_share:.1%}",
                    one.distinct,
                    number(one.mean),
                    number(one.sd),
                    *_quantiles(one),
                )
                for one in queries.profile_of(dataset)
            ],
        )

    @admin.display(description="Rows and bad rate")
    def profile_pictures(self, dataset: Dataset) -> str:
        return side_by_side(figure(svg, name) for name, svg in _drawn(queries.profile_of(dataset)))

    @admin.display(description="Checks")
    def checks_table(self, dataset: Dataset) -> str:
        return table(
            ["Field", "Check", "Result", "Observed", "Expected"],
            [
                (
                    check["field"],
                    check["check"],
                    tag("passed" if check["passed"] else "failed"),
                    check["observed"],
                    check["expected"],
                )
                for check in dataset.validation["checks"]
            ],
        )

    @admin.display(description="Split off as protected (names only)")
    def split_off(self, dataset: Dataset) -> str:
        return ", ".join(dataset.description["protected_columns"]) or "-"

    @admin.display(description="Ignored")
    def ignored_table(self, dataset: Dataset) -> str:
        return table(["Column", "Why"], dataset.description.get("ignored", {}).items())


@lru_cache(maxsize=8)
def _drawn(profiles: tuple[FeatureProfile, ...]) -> list[tuple[str, str]]:
    """(name, SVG) of each feature, drawn once: they take longer than the rest of the page."""
    from registry import charts  # brings altair, which only pictures need

    return [
        (one.name, charts.profile([(b.label, b.rows, b.bad_rate) for b in one.bins]))
        for one in profiles
    ]


def _quantiles(one: FeatureProfile) -> list[str]:
    if one.quantiles is None:
        return ["-"] * len(QUANTILES)
    return [f"{value:.4g}" for value in one.quantiles]

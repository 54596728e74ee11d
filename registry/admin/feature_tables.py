"""Feature tables and how fresh they are."""

from datetime import timedelta

from django.contrib import admin
from django.utils import timezone

from audit.admin_base import ReadOnlyAdmin
from registry import feature_tables
from registry.admin.parts import figure, table
from registry.models import FeatureTable

NEWEST_BATCHES = 20


@admin.register(FeatureTable)
class FeatureTableAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "time_to_live", "newest_event", "client", "defined_by", "created_at")
    search_fields = ("name", "source")
    list_select_related = ("client", "defined_by")
    fieldsets = (
        (None, {"fields": ("name", "version", "time_to_live", "client", "source")}),
        ("Freshness now", {"fields": ("freshness_table", "freshness_picture")}),
        ("Features", {"fields": ("features_table",)}),
        ("Newest batches", {"fields": ("batches_table",)}),
        ("Record", {"fields": ("defined_by", "created_at", "contract_sha256", "entry")}),
    )

    @admin.display(description="Time to live", ordering="ttl_seconds")
    def time_to_live(self, row: FeatureTable) -> str:
        return str(timedelta(seconds=row.ttl_seconds))

    @admin.display(description="Newest event")
    def newest_event(self, row: FeatureTable) -> str:
        newest = row.ingests.order_by("-newest_event_at").first()
        return f"{newest.newest_event_at:%Y-%m-%d %H:%M}" if newest else "-"

    @admin.display(description="Rows and people")
    def freshness_table(self, row: FeatureTable) -> str:
        fresh = feature_tables.freshness(row, timezone.now())
        newest, share = fresh.newest_event_at, fresh.past_ttl_share
        return table(
            ["Rows", "People", "Newest event", "People past the time to live"],
            [
                (
                    fresh.rows,
                    sum(fresh.entities),
                    f"{newest:%Y-%m-%d %H:%M} UTC" if newest else "-",
                    "-" if share is None else f"{share:.1%}",
                )
            ],
        )

    @admin.display(description="Age of people's newest rows")
    def freshness_picture(self, row: FeatureTable) -> str:
        from registry import charts  # brings altair, which only this picture needs

        fresh = feature_tables.freshness(row, timezone.now())
        if not fresh.rows:
            return "No rows yet."
        bands = list(zip(feature_tables.BANDS, fresh.entities, strict=True))
        return figure(charts.freshness(bands), "People by the age of their newest row")

    @admin.display(description="Features")
    def features_table(self, row: FeatureTable) -> str:
        features = feature_tables.source_of(row).features.features
        return table(
            ["Feature", "Type", "Range", "Missing", "Meaning"],
            [
                (one.name, one.type, one.values_in_words, one.missing, one.description)
                for one in features
            ],
        )

    @admin.display(description="Batches")
    def batches_table(self, row: FeatureTable) -> str:
        batches = row.ingests.select_related("recorded_by")[:NEWEST_BATCHES]
        return table(
            ["Recorded", "Rows", "Newest event", "From", "By"],
            [
                (
                    f"{batch.recorded_at:%Y-%m-%d %H:%M}",
                    batch.rows,
                    f"{batch.newest_event_at:%Y-%m-%d %H:%M}",
                    batch.source,
                    batch.recorded_by,
                )
                for batch in batches
            ],
        )

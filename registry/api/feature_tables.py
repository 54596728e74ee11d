"""`feature-tables`: definitions with their freshness, and the rows that come in."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from audit.bodies import LARGEST_BATCH
from registry import feature_tables
from registry.actions.feature_tables import MOST_AT_ONCE, define_feature_table, record_features
from registry.models import FeatureIngest, FeatureTable


class FeatureTableSerializer(serializers.ModelSerializer[FeatureTable]):
    reference = serializers.CharField(
        source="__str__", read_only=True, help_text="How a contract names it: name/version."
    )
    client = serializers.CharField(source="client.username", read_only=True)
    defined_by = serializers.CharField(source="defined_by.username", read_only=True)

    class Meta:
        model = FeatureTable
        fields = (
            "reference",
            "name",
            "version",
            "features",
            "contract_sha256",
            "ttl_seconds",
            "client",
            "source",
            "defined_by",
            "created_at",
            "entry",
        )


class FreshnessSerializer(serializers.Serializer[feature_tables.Freshness]):
    rows = serializers.IntegerField()
    newest_event_at = serializers.DateTimeField(allow_null=True)
    people_by_age = serializers.SerializerMethodField(
        help_text="People by the age of their newest row, in shares of the time to live."
    )
    past_ttl_share = serializers.FloatField(
        allow_null=True, help_text="0 to 1: people whose newest row is past its time to live."
    )

    def get_people_by_age(self, fresh: feature_tables.Freshness) -> dict[str, int]:
        return dict(zip(feature_tables.BANDS, fresh.entities, strict=True))


class FeatureTableDetailSerializer(FeatureTableSerializer):
    freshness = serializers.SerializerMethodField()

    class Meta(FeatureTableSerializer.Meta):
        fields = (  # type: ignore[assignment]  # longer than the list's
            *FeatureTableSerializer.Meta.fields,
            "freshness",
        )

    @extend_schema_field(FreshnessSerializer)
    def get_freshness(self, table: FeatureTable) -> dict[str, Any]:
        return FreshnessSerializer(feature_tables.freshness(table, timezone.now())).data


class FeatureTableRequest(StrictSerializer):
    name = serializers.CharField()
    features = serializers.ListField(
        child=serializers.DictField(),
        help_text="As in a feature contract: name, type, minimum, maximum, unit, categories, missing.",
    )
    ttl_seconds = serializers.IntegerField(help_text="How old a value may be when it is used.")
    client = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        help_text="The system in whose `subject_ref` people are named.",
    )
    # Two names that callers see are also attributes of the serializer's base class.
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, not where it comes from
        allow_blank=True, help_text="Where the values come from."
    )
    protected_columns = serializers.ListField(
        child=serializers.CharField(), default=list, help_text="What the source holds beside them."
    )


class FeatureRowSchema(serializers.Serializer[None]):
    subject_ref = serializers.CharField(max_length=200)
    event_at = serializers.DateTimeField(help_text="Since when the values hold.")
    created_at = serializers.DateTimeField(
        required=False,
        help_text="When the source knew them, for rows from before; left out, that is now.",
    )
    features = serializers.DictField(help_text="Every feature of the table by name.")


class FeatureRowsSchema(serializers.Serializer[None]):
    source = serializers.CharField(max_length=200)  # type: ignore[assignment]  # a field of that name, not where it comes from
    rows = FeatureRowSchema(many=True, help_text=f"1 to {MOST_AT_ONCE:,}: all are taken, or none.")


class FeatureRowsRequest(StrictSerializer):
    """The act judges each row by the table's own features."""

    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # a field of that name, not where it comes from
    rows = serializers.ListField(child=serializers.JSONField(), allow_empty=True)


class FeatureIngestSerializer(serializers.ModelSerializer[FeatureIngest]):
    table = serializers.CharField(source="table.__str__", read_only=True)
    recorded_by = serializers.CharField(source="recorded_by.username", read_only=True)

    class Meta:
        model = FeatureIngest
        fields = (
            "id",
            "table",
            "rows",
            "newest_event_at",
            "source",
            "recorded_by",
            "recorded_at",
            "entry",
        )


class FeatureTablesView(ActView, generics.GenericAPIView[FeatureTable]):
    read_permission = "registry.view_featuretable"
    queryset = feature_tables.feature_tables()
    serializer_class = FeatureTableSerializer

    @extend_schema(operation_id="feature_tables_list", responses=FeatureTableSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every version of every feature table, the newest of each first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(FeatureTableSerializer(page, many=True).data)

    @extend_schema(
        operation_id="feature_tables_create",
        request=FeatureTableRequest,
        responses={201: FeatureTableSerializer},
    )
    def post(self, request: Request) -> Response:
        """Define a table, or another version of it; versions before it stay as they are."""
        fields = FeatureTableRequest.read(request.data)
        features = {"features": fields.pop("features")}
        table = define_feature_table(features=features, by=actor(request), **fields)
        return Response(FeatureTableSerializer(table).data, status=status.HTTP_201_CREATED)


class FeatureTableView(ActView):
    read_permission = "registry.view_featuretable"

    @extend_schema(operation_id="feature_tables_retrieve", responses=FeatureTableDetailSerializer)
    def get(self, request: Request, name: str, version: int) -> Response:
        """One version of a table, and how fresh its rows are now."""
        table = feature_tables.table_named(name, version)
        return Response(FeatureTableDetailSerializer(table).data)


class FeatureRowsView(ActView):
    largest_body = LARGEST_BATCH

    @extend_schema(
        operation_id="feature_rows_create",
        request=FeatureRowsSchema,
        responses={201: FeatureIngestSerializer},
    )
    def post(self, request: Request, name: str, version: int) -> Response:
        """Record rows: training and decisions see them at once."""
        fields = FeatureRowsRequest.read(request.data)
        ingest = record_features(
            feature_tables.table_named(name, version),
            fields["rows"],
            fields["source"],
            by=actor(request),
        )
        return Response(FeatureIngestSerializer(ingest).data, status=status.HTTP_201_CREATED)

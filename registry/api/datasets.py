"""`datasets/{id}`: one registered snapshot over HTTP. Governance takes files in, and lists them."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from registry import queries
from registry.models import Dataset


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    registered_by = serializers.CharField(source="registered_by.username", read_only=True)
    expectations_policy = serializers.StringRelatedField[Dataset](allow_null=True)

    class Meta:
        model = Dataset
        fields = (
            "id",
            "name",
            "sha256",
            "rows",
            "columns",
            "description",
            "validation",
            "origin",
            "newest_on",
            "expectations_policy",
            "expectations",
            "source",
            "licence",
            "registered_by",
            "created_at",
        )


class DatasetView(ActView):
    read_permission = "registry.view_dataset"

    @extend_schema(operation_id="datasets_retrieve", responses=DatasetSerializer)
    def get(self, request: Request, dataset_id: int) -> Response:
        """One data set with its description and the result of every check."""
        return Response(DatasetSerializer(queries.dataset_with(dataset_id)).data)


FEATURE_PROFILES = inline_serializer(
    "FeatureProfile",
    {
        "name": serializers.CharField(),
        "type": serializers.CharField(),
        "rows": serializers.IntegerField(),
        "missing": serializers.IntegerField(),
        "distinct": serializers.IntegerField(),
        "mean": serializers.FloatField(allow_null=True),
        "sd": serializers.FloatField(allow_null=True),
        "quantiles": serializers.DictField(child=serializers.FloatField(), allow_null=True),
        "bins": inline_serializer(
            "ProfileBin",
            {
                "label": serializers.CharField(),
                "rows": serializers.IntegerField(),
                "bad_rate": serializers.FloatField(
                    allow_null=True, help_text="Absent below ten rows."
                ),
            },
            many=True,
        ),
    },
    many=True,
)


class DatasetProfileView(ActView):
    read_permission = "registry.view_dataset"

    @extend_schema(operation_id="datasets_profile", responses=FEATURE_PROFILES)
    def get(self, request: Request, dataset_id: int) -> Response:
        """How each feature spreads, how much of it is missing, and how often its values went bad."""
        found = queries.profile_of(queries.dataset_with(dataset_id))
        return Response([feature.as_json() for feature in found])

"""`datasets`: data files come in here and are split; registered snapshots are listed."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.intake import take_in_dataset, take_in_from_source
from governance.data_files import read_description
from registry.models import Dataset


class DatasetSummarySerializer(serializers.ModelSerializer[Dataset]):
    registered_by = serializers.CharField(source="registered_by.username", read_only=True)
    expectations_policy = serializers.StringRelatedField[Dataset](allow_null=True)
    expectations_passed = serializers.BooleanField(
        allow_null=True, read_only=True, help_text="Null where no expectations were in force."
    )
    trained_versions = serializers.StringRelatedField[Any](source="versions", many=True)

    class Meta:
        model = Dataset
        fields = ("id", "name", "sha256", "rows", "columns", "source", "licence", "origin", "newest_on", "expectations_passed", "expectations_policy", "trained_versions", "registered_by", "created_at")  # fmt: skip


class DatasetUpload(StrictSerializer):
    name = serializers.SlugField(max_length=100)
    file = serializers.FileField(help_text="CSV or Parquet.")
    description = serializers.FileField(
        help_text="TOML that classifies every column: label, feature, protected, time, row key, ignored."
    )


class DatasetFromSource(StrictSerializer):
    name = serializers.SlugField(max_length=100)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, not where it comes from
        max_length=100, help_text="A name that the operator configured."
    )
    query = serializers.CharField(
        max_length=20_000, default="", help_text="One SELECT, of a database."
    )
    key = serializers.CharField(
        max_length=1024, default="", help_text="An object below the prefix of a bucket."
    )
    description = serializers.CharField(
        max_length=200_000, help_text="TOML that classifies every column."
    )


class DatasetList(ActView, generics.GenericAPIView[Dataset]):
    read_permission = "registry.view_dataset"
    parser_classes = (MultiPartParser,)
    queryset = Dataset.objects.select_related(
        "registered_by", "expectations_policy"
    ).prefetch_related("versions__model")
    serializer_class = DatasetSummarySerializer

    @extend_schema(operation_id="datasets_list", responses=DatasetSummarySerializer(many=True))
    def get(self, request: Request) -> Response:
        """The registered data sets, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(DatasetSummarySerializer(page, many=True).data)

    @extend_schema(
        operation_id="datasets_create",
        request={"multipart/form-data": DatasetUpload},
        responses={201: DatasetSummarySerializer},
    )
    def post(self, request: Request) -> Response:
        """Take in a data file: features and label go to the registry, protected columns to the vault."""
        fields = DatasetUpload.read(request.data)
        dataset = take_in_dataset(
            fields["name"],
            fields["file"].file,
            fields["file"].name,
            read_description(fields["description"].read()),
            by=actor(request),
        )
        return Response(DatasetSummarySerializer(dataset).data, status=status.HTTP_201_CREATED)


class DatasetsFromSources(ActView):
    @extend_schema(
        operation_id="datasets_from_source",
        request=DatasetFromSource,
        responses={201: DatasetSummarySerializer},
    )
    def post(self, request: Request) -> Response:
        """Take in what a configured database or bucket gives, split like a file."""
        body = DatasetFromSource.read(request.data)
        dataset = take_in_from_source(**body, by=actor(request))
        return Response(DatasetSummarySerializer(dataset).data, status=status.HTTP_201_CREATED)

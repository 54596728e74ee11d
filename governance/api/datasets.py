"""`datasets`: data files come in here and are split; registered snapshots are listed."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from audit.errors import FieldProblem
from governance.actions.intake import take_in_dataset
from governance.errors import UnreadableFile
from registry.models import Dataset


class DatasetSummarySerializer(serializers.ModelSerializer[Dataset]):
    registered_by = serializers.CharField(source="registered_by.username", read_only=True)
    expectations_policy = serializers.CharField(allow_null=True, read_only=True)
    expectations_passed = serializers.SerializerMethodField(
        help_text="Null where no expectations were in force."
    )
    trained_versions = serializers.SlugRelatedField(
        slug_field="name", source="versions", many=True, read_only=True
    )

    class Meta:
        model = Dataset
        fields = ("id", "name", "sha256", "rows", "columns", "source", "licence", "origin", "newest_on", "expectations_passed", "expectations_policy", "trained_versions", "registered_by", "created_at")  # fmt: skip


class DatasetUpload(StrictSerializer):
    name = serializers.SlugField(max_length=100)
    file = serializers.FileField(help_text="CSV or Parquet.")
    description = serializers.FileField(
        help_text="TOML that classifies every column: label, feature, protected, time, row key, ignored."
    )


class DatasetList(ActView, generics.GenericAPIView[Dataset]):
    read_permission = "registry.view_dataset"
    parser_classes = (MultiPartParser,)
    queryset = Dataset.objects.select_related("registered_by")
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
        body = DatasetUpload(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        dataset = take_in_dataset(
            fields["name"],
            fields["file"].read(),
            fields["file"].name,
            _text(fields["description"].read()),
            by=actor(request),
        )
        return Response(DatasetSummarySerializer(dataset).data, status=status.HTTP_201_CREATED)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        problem = FieldProblem("description", "unreadable", "Must be TOML in UTF-8.")
        raise UnreadableFile("The description is not text.", errors=[problem]) from None

"""`datasets/{id}`: one registered snapshot over HTTP. Governance takes files in, and lists them."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from registry import queries
from registry.models import Dataset


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    registered_by = serializers.CharField(source="registered_by.username", read_only=True)

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

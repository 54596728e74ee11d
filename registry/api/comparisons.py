"""`runs/compare`: two to five runs side by side."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from registry.comparing import Row, compared, run_ids


class RowSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    values = serializers.ListField(
        child=serializers.JSONField(), help_text="One for each run, null where it has none."
    )
    differs = serializers.BooleanField()


class CurvesSerializer(serializers.Serializer[Any]):
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, not where it comes from
        help_text="measured here, reported by the client, or none."
    )
    roc = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Share of goods called bad, and of bads called bad.",
    )
    calibration = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Mean pd of a band, and its observed bad rate.",
    )


class RunComparisonSerializer(serializers.Serializer[Any]):
    runs = serializers.ListField(child=serializers.UUIDField())
    about = RowSerializer(many=True)
    params = RowSerializer(many=True)
    measured = RowSerializer(many=True, help_text="On held-out rows, by this service.")
    reported = RowSerializer(many=True, help_text="Last values of what clients said.")
    curves = CurvesSerializer(many=True)
    environments = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(), allow_null=True),
        help_text="Of each run after the first: packages that differ from the first's.",
    )


def _row(row: Row) -> dict[str, Any]:
    return {**asdict(row), "differs": row.differs}


class ComparisonView(ActView):
    read_permission = "registry.view_run"

    @extend_schema(
        operation_id="runs_compare",
        parameters=[
            OpenApiParameter("run", UUID, many=True, required=True, description="Two to five runs.")
        ],
        responses=RunComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """Runs side by side: what they were asked for, what came of them, and which differ in what."""
        found = compared(run_ids(request.query_params.getlist("run")))
        return Response(
            {
                "runs": [run.pk for run in found.runs],
                "about": [_row(row) for row in found.about],
                "params": [_row(row) for row in found.params],
                "measured": [_row(row) for row in found.measured],
                "reported": [_row(row) for row in found.reported],
                "curves": [asdict(curves) for curves in found.curves],
                "environments": found.environments,
            }
        )

"""`policies/{id}/rehearsal`: what a gate policy would have said of versions measured before."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from governance.queries.rehearsals import rehearsals
from registry.queries import model_named, policy_with


class RehearsalSerializer(serializers.Serializer[Any]):
    """The latest gate report of one version under the policy, and under the one in force."""

    model = serializers.CharField(source="report.version.model.name")
    version = serializers.IntegerField(source="report.version.number")
    report = serializers.IntegerField(source="report.pk")
    measured_at = serializers.DateTimeField(source="report.measured_at")
    passes = serializers.BooleanField()
    blocked_by = serializers.ListField(child=serializers.CharField())
    not_measured = serializers.ListField(
        child=serializers.CharField(), help_text="Checks that the report does not hold."
    )
    policy_in_force = serializers.CharField(allow_null=True)
    passes_in_force = serializers.BooleanField(allow_null=True)
    blocked_in_force_by = serializers.ListField(child=serializers.CharField())


class RehearsalList(ActView):
    read_permission = "governance.view_gatereport"

    @extend_schema(
        operation_id="policies_rehearsal_list",
        parameters=[OpenApiParameter("model", str, description="Only versions of this model.")],
        responses=RehearsalSerializer(many=True),
    )
    def get(self, request: Request, policy_id: int) -> Response:
        """Which measured versions the gate policy would have blocked, and by which check."""
        name = request.query_params.get("model")
        model = model_named(name) if name else None
        found = rehearsals(policy_with(policy_id), timezone.now(), model)
        return Response(RehearsalSerializer(found, many=True).data)

"""`incidents`: what went wrong and is looked at."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from governance.models import Incident
from governance.queries.incidents import incident_with, incidents


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    model = serializers.CharField(
        source="version.model.name", read_only=True, default=None, allow_null=True,
        help_text="Null where the incident is about the log.",
    )  # fmt: skip
    version = serializers.IntegerField(
        source="version.number", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Incident
        fields = ("id", "kind", "model", "version", "summary", "opened_at", "state", "closed_at", "cause")  # fmt: skip


class IncidentList(ActView, generics.GenericAPIView[Incident]):
    read_permission = "governance.view_incident"
    serializer_class = IncidentSerializer

    @extend_schema(operation_id="incidents_list", responses=IncidentSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Incidents, the newest first."""
        page = self.paginate_queryset(incidents())
        return self.get_paginated_response(IncidentSerializer(page, many=True).data)


class IncidentDetail(ActView):
    read_permission = "governance.view_incident"

    @extend_schema(operation_id="incidents_retrieve", responses=IncidentSerializer)
    def get(self, request: Request, incident_id: UUID) -> Response:
        """One incident."""
        return Response(IncidentSerializer(incident_with(incident_id)).data)

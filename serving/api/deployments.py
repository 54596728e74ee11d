"""Rollouts over HTTP: who takes a share of a model's applications, and ending that."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry.queries import model_named
from serving.actions.deployments import end_deployment
from serving.models import Deployment
from serving.queries import deployments_of


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = Deployment
        fields = (
            "id", "version", "role", "share_percent", "clearance", "change_request_id", "started_at", "ended_at",
            "ending_reason",
        )  # fmt: skip


class EndingBody(StrictSerializer):
    reason = serializers.CharField(allow_blank=True)


class Deployments(ActView, generics.GenericAPIView[Deployment]):
    read_permission = "serving.view_deployment"
    serializer_class = DeploymentSerializer

    @extend_schema(operation_id="deployments_list", responses=DeploymentSerializer(many=True))
    def get(self, request: Request, model: str) -> Response:
        """The steps of the model's rollouts, the newest first. A step is asked for as a change request."""
        page = self.paginate_queryset(deployments_of(model_named(model).name))
        return self.get_paginated_response(DeploymentSerializer(page, many=True).data)


class DeploymentEnd(ActView):
    @extend_schema(
        operation_id="deployments_end", request=EndingBody, responses=DeploymentSerializer
    )
    def post(self, request: Request, deployment_id: int) -> Response:
        """Give the version's share back to the champion, at once."""
        body = EndingBody(data=request.data)
        body.is_valid(raise_exception=True)
        ended = end_deployment(deployment_id, body.validated_data["reason"], by=actor(request))
        return Response(DeploymentSerializer(ended).data)

"""Rollouts over HTTP: who takes a share of a model's applications, and ending that."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry.queries import champion, model_named
from serving.actions.deployments import end_deployment
from serving.guard_rails import Arm, Flips
from serving.models import Deployment, GuardRailEvaluation
from serving.queries import deployments_of
from serving.rollouts import Standing, standings_of


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    version = serializers.IntegerField(source="version.number", read_only=True)

    class Meta:
        model = Deployment
        fields = (
            "id", "version", "role", "share_percent", "clearance", "change_request_id", "started_at", "ended_at",
            "ending_reason",
        )  # fmt: skip


class ArmSchema(serializers.Serializer[Arm]):
    decisions = serializers.IntegerField(source="decided")
    failed = serializers.IntegerField()
    approved = serializers.IntegerField()
    approval_rate = serializers.FloatField(allow_null=True)
    first_reasons = serializers.DictField(child=serializers.IntegerField())


class FlipsSchema(serializers.Serializer[Flips]):
    n = serializers.IntegerField()
    newly_approved = serializers.IntegerField()
    newly_declined = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)


class EvaluationSchema(serializers.ModelSerializer[GuardRailEvaluation]):
    readings = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = GuardRailEvaluation
        fields = ("state", "evaluated_at", "readings")


class StandingSchema(serializers.Serializer[Standing]):
    deployment = serializers.IntegerField(source="step.pk")
    version = serializers.IntegerField(source="step.version.number")
    role = serializers.ChoiceField(Deployment.Role.choices, source="step.role")
    share_percent = serializers.IntegerField(source="step.share_percent")
    started_at = serializers.DateTimeField(source="step.started_at")
    since = serializers.DateTimeField()
    arm = ArmSchema()
    beside = ArmSchema(source="champion", help_text="The champion in the same time.")
    flips = FlipsSchema(allow_null=True, help_text="Of a shadow: who would be decided otherwise.")
    evaluation = EvaluationSchema(source="last", allow_null=True)


class RolloutSchema(serializers.Serializer[Any]):
    model = serializers.CharField()
    champion = serializers.IntegerField(allow_null=True)
    steps = StandingSchema(many=True)


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


class Rollout(ActView):
    read_permission = "serving.view_deployment"

    @extend_schema(operation_id="rollout_retrieve", responses=RolloutSchema)
    def get(self, request: Request, model: str) -> Response:
        """Every running step beside the champion: what both did, who flips, and the guard rails."""
        found = model_named(model)
        now = champion(found)
        steps = standings_of(found, timezone.now())
        told = {"model": found.name, "champion": now.number if now else None, "steps": steps}
        return Response(RolloutSchema(told).data)


class DeploymentEnd(ActView):
    @extend_schema(
        operation_id="deployments_end", request=EndingBody, responses=DeploymentSerializer
    )
    def post(self, request: Request, deployment_id: int) -> Response:
        """Give the version's share back to the champion, at once."""
        body = EndingBody.read(request.data)
        ended = end_deployment(deployment_id, body["reason"], by=actor(request))
        return Response(DeploymentSerializer(ended).data)

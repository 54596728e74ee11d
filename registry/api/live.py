"""`models/{model}/live`: who was allowed to decide with which bytes, at one time."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from registry import history
from registry.live import live_document
from registry.moments import moment


class LiveChampion(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    artefact_sha256 = serializers.CharField()
    since = serializers.DateTimeField()
    entry = serializers.UUIDField()


class LiveClearance(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField()
    purpose = serializers.CharField()
    artefact_sha256 = serializers.CharField()
    evidence_digest = serializers.CharField()
    change_request_id = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True)
    is_break_glass = serializers.BooleanField(
        help_text="Given in an emergency by two people, without the evidence asked for otherwise."
    )
    entry = serializers.UUIDField()


class LivePolicy(serializers.Serializer[Any]):
    kind = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()
    approved_at = serializers.DateTimeField(allow_null=True)
    entry = serializers.UUIDField()


class LiveRestriction(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    version = serializers.IntegerField(allow_null=True)
    kind = serializers.CharField()
    limits = serializers.DictField()
    reason = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_to = serializers.DateTimeField(allow_null=True)
    entry = serializers.UUIDField()


class LiveSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    at = serializers.DateTimeField()
    tier = serializers.IntegerField()
    champion = LiveChampion(allow_null=True)
    clearance = LiveClearance(allow_null=True, help_text="Null: nothing decided applications.")
    approvers = serializers.ListField(child=serializers.CharField())
    other_clearances = LiveClearance(many=True)
    policies = LivePolicy(many=True)
    restrictions = LiveRestriction(many=True)


class LiveView(ActView):
    read_permission = "registry.view_clearance"

    @extend_schema(
        operation_id="models_live",
        parameters=[
            OpenApiParameter(
                "at", str, description="ISO 8601 time with offset; now, when left out."
            )
        ],
        responses=LiveSerializer,
    )
    def get(self, request: Request, model: str) -> Response:
        """What was live: champion, clearances, approvers, policies, restrictions, each with its entry."""
        text = request.query_params.get("at")
        at = timezone.now() if text is None else moment(text, "at")
        return Response(live_document(history.live(model, at)))

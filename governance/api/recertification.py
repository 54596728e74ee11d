"""`recertifications`: whether people still need the roles that they hold, quarter by quarter."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.recertification import decide_role, open_recertification
from governance.models import Recertification, RoleDecision, RoleHeld
from governance.queries.recertification import (
    recertification_with,
    recertifications,
    role_held_with,
)


class RoleDecisionSerializer(serializers.ModelSerializer[RoleDecision]):
    decision = serializers.CharField(read_only=True, help_text="`certify` or `revoke`.")
    decided_by = serializers.CharField(source="decided_by.username", read_only=True)

    class Meta:
        model = RoleDecision
        fields = ("decision", "reason", "decided_by", "decided_at")


class RoleHeldSerializer(serializers.ModelSerializer[RoleHeld]):
    holder = serializers.CharField(source="holder.username", read_only=True)
    decided = serializers.SerializerMethodField(help_text="Null while nobody decided.")

    class Meta:
        model = RoleHeld
        fields = ("id", "holder", "role", "decided")

    @extend_schema_field(RoleDecisionSerializer(allow_null=True))
    def get_decided(self, held: RoleHeld) -> dict[str, Any] | None:
        decided = getattr(held, "decided", None)
        return RoleDecisionSerializer(decided).data if decided else None


class RecertificationSerializer(serializers.ModelSerializer[Recertification]):
    opened_by = serializers.CharField(source="opened_by.username", read_only=True)
    roles = RoleHeldSerializer(many=True, read_only=True)

    class Meta:
        model = Recertification
        fields = ("id", "quarter", "due_on", "opened_by", "opened_at", "roles")


class RecertificationBody(StrictSerializer):
    due_on = serializers.DateField(required=False, help_text="What the policy says, when left out.")


class RoleDecisionBody(StrictSerializer):
    decision = serializers.CharField(help_text="`certify` or `revoke`.")
    reason = serializers.CharField(allow_blank=True)


class RecertificationList(ActView, generics.GenericAPIView[Recertification]):
    read_permission = "governance.view_recertification"
    serializer_class = RecertificationSerializer

    @extend_schema(
        operation_id="recertifications_list", responses=RecertificationSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The reviews of who holds which role, the newest first."""
        page = self.paginate_queryset(recertifications())
        return self.get_paginated_response(RecertificationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="recertifications_create",
        request=RecertificationBody,
        responses={201: RecertificationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Open this quarter's review, of every role that every person holds."""
        body = RecertificationBody.read(request.data)
        made = open_recertification(**body, by=actor(request))
        shown = RecertificationSerializer(recertification_with(made.pk))
        return Response(shown.data, status.HTTP_201_CREATED)


class RecertificationDetail(ActView):
    read_permission = "governance.view_recertification"

    @extend_schema(operation_id="recertifications_retrieve", responses=RecertificationSerializer)
    def get(self, request: Request, recertification_id: UUID) -> Response:
        """One review, with each role and what was decided about it."""
        return Response(RecertificationSerializer(recertification_with(recertification_id)).data)


class RoleDecisionCreation(ActView):
    @extend_schema(
        operation_id="recertifications_decide",
        request=RoleDecisionBody,
        responses={201: RoleHeldSerializer},
    )
    def post(self, request: Request, held_id: UUID) -> Response:
        """Certify a role that somebody else holds, or revoke it."""
        body = RoleDecisionBody.read(request.data)
        decide_role(held_id, **body, by=actor(request))
        return Response(RoleHeldSerializer(role_held_with(held_id)).data, status.HTTP_201_CREATED)

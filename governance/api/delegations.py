"""`delegations`: seats that people let others take for a while."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.delegations import delegate_seat, end_delegation
from governance.api.erasures import GivenReasonBody
from governance.models import Delegation
from governance.queries.accounts import account
from governance.queries.delegations import delegation_with, delegations


class DelegationSerializer(serializers.ModelSerializer[Delegation]):
    delegator = serializers.CharField(source="delegator.username", read_only=True)
    delegate = serializers.CharField(source="delegate.username", read_only=True)
    ended_at = serializers.DateTimeField(
        source="end.revoked_at", read_only=True, default=None, allow_null=True,
        help_text="Null unless somebody ended it before its time.",
    )  # fmt: skip

    class Meta:
        model = Delegation
        fields = ("id", "seat", "delegator", "delegate", "valid_from", "valid_to", "reason", "ended_at")  # fmt: skip


class DelegationBody(StrictSerializer):
    seat = serializers.CharField(help_text="A permission, as `awaited` of a change request names it.")  # fmt: skip
    delegate = serializers.CharField(help_text="The account of whoever takes the seat.")
    valid_from = serializers.DateTimeField(required=False, help_text="Now, when left out.")
    valid_to = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)


class DelegationList(ActView, generics.GenericAPIView[Delegation]):
    read_permission = "governance.view_delegation"
    serializer_class = DelegationSerializer

    @extend_schema(operation_id="delegations_list", responses=DelegationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Delegated seats, the newest first."""
        page = self.paginate_queryset(delegations())
        return self.get_paginated_response(DelegationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="delegations_create",
        request=DelegationBody,
        responses={201: DelegationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Let somebody else take one's own seat for a while."""
        fields = DelegationBody.read(request.data)
        delegate = account(fields.pop("delegate"))
        made = delegate_seat(delegate=delegate, **fields, by=actor(request))
        shown = DelegationSerializer(delegation_with(made.pk))
        return Response(shown.data, status.HTTP_201_CREATED)


class DelegationEnding(ActView):
    @extend_schema(
        operation_id="delegations_end",
        request=GivenReasonBody,
        responses={201: DelegationSerializer},
    )
    def post(self, request: Request, delegation_id: UUID) -> Response:
        """End a delegation before its time."""
        body = GivenReasonBody.read(request.data)
        end_delegation(delegation_id, **body, by=actor(request))
        shown = DelegationSerializer(delegation_with(delegation_id))
        return Response(shown.data, status.HTTP_201_CREATED)

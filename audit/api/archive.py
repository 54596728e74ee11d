"""Restores from the archive's cold storage over HTTP: asked for here, carried out by a worker."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.actions.restores import LONGEST_DAYS, NoSuchRestore
from audit.api_base import ActView, StrictSerializer, actor
from audit.archive.restores import ask_for_restores
from audit.models import RestoreRequest


class RestoreSerializer(serializers.ModelSerializer[RestoreRequest]):
    key = serializers.CharField(source="archived.key", read_only=True)
    size = serializers.IntegerField(source="archived.size", read_only=True)

    class Meta:
        model = RestoreRequest
        fields = (
            "id", "key", "size", "storage_class", "tier", "days", "reason", "state", "requested_by", "requested_at",
            "expected_at", "available_at", "expires_at", "exported_at", "refusal",
        )  # fmt: skip


class RestoreOrder(StrictSerializer):
    """By key, or the epochs that were closed on some days and lie in cold storage."""

    keys = serializers.ListField(child=serializers.CharField(), required=False, allow_empty=False)
    first_on = serializers.DateField(required=False)
    last_on = serializers.DateField(required=False)
    tier = serializers.ChoiceField(RestoreRequest.Tier.choices)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS)
    reason = serializers.CharField(max_length=300)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("keys" in attrs) == bool({"first_on", "last_on"} & set(attrs)):
            raise serializers.ValidationError(
                {"keys": "Name either keys, or first_on and last_on."}
            )
        return attrs


class Restores(ActView, generics.GenericAPIView[RestoreRequest]):
    """What was asked for, the newest first; and asking."""

    read_permission = "audit.view_restorerequest"
    serializer_class = RestoreSerializer

    @extend_schema(operation_id="restores_list", responses=RestoreSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(RestoreRequest.objects.select_related("archived"))
        return self.get_paginated_response(RestoreSerializer(page, many=True).data)

    @extend_schema(
        operation_id="request_restores",
        request=RestoreOrder,
        responses={202: RestoreSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        order = RestoreOrder.read(request.data)
        asked = ask_for_restores(by=actor(request), **order)
        headers = {"Location": reverse("restore", args=[asked[0].pk])}
        return Response(RestoreSerializer(asked, many=True).data, status=202, headers=headers)


class RestoreDetail(ActView):
    """How far one restore is."""

    read_permission = "audit.view_restorerequest"

    @extend_schema(operation_id="restore", responses=RestoreSerializer)
    def get(self, request: Request, restore_id: UUID) -> Response:
        found = RestoreRequest.objects.select_related("archived").filter(pk=restore_id).first()
        if found is None:
            raise NoSuchRestore(f"There is no restore {restore_id}.")
        return Response(RestoreSerializer(found).data)

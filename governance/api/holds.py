"""`legal-holds`: what must be kept because of a matter."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.actions.holds import HoldOrder, place_hold, release_hold
from audit.api_base import ActView, StrictSerializer, actor
from audit.cases import hold_with
from audit.models import LegalHold
from governance.api.erasures import GivenReasonBody


class HoldSerializer(serializers.ModelSerializer[LegalHold]):
    model = serializers.CharField(source="model_name", read_only=True)
    subject_id = serializers.UUIDField(allow_null=True, read_only=True)

    class Meta:
        model = LegalHold
        fields = (
            "id", "matter", "scope", "subject_id", "model", "first_on", "last_on", "custodian", "reason", "review_on",
            "placed_by", "placed_at", "released_by", "released_at", "release_reason",
        )  # fmt: skip


class HoldBody(StrictSerializer):
    matter = serializers.CharField(max_length=100, allow_blank=True)
    scope = serializers.CharField(help_text="`subject`, `model` or `everything`.")
    custodian = serializers.CharField(max_length=150, allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    review_on = serializers.DateField()
    subject_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    model = serializers.CharField(required=False, default="", allow_blank=True, max_length=50)
    first_on = serializers.DateField(required=False, allow_null=True, default=None)
    last_on = serializers.DateField(required=False, allow_null=True, default=None)


class HoldList(ActView, generics.GenericAPIView[LegalHold]):
    read_permission = "audit.view_legalhold"
    serializer_class = HoldSerializer

    @extend_schema(operation_id="legal_holds_list", responses=HoldSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Legal holds, the newest first."""
        page = self.paginate_queryset(LegalHold.objects.all())
        return self.get_paginated_response(HoldSerializer(page, many=True).data)

    @extend_schema(
        operation_id="legal_holds_create", request=HoldBody, responses={201: HoldSerializer}
    )
    def post(self, request: Request) -> Response:
        """Place a hold: from now on nothing that it covers is erased, asked for or not."""
        body = HoldBody.read(request.data)
        hold = place_hold(HoldOrder(**body), by=actor(request))
        return Response(HoldSerializer(hold).data, status.HTTP_201_CREATED)


class HoldDetail(ActView):
    read_permission = "audit.view_legalhold"

    @extend_schema(operation_id="legal_holds_retrieve", responses=HoldSerializer)
    def get(self, request: Request, hold_id: UUID) -> Response:
        """One legal hold."""
        return Response(HoldSerializer(hold_with(hold_id)).data)


class HoldRelease(ActView):
    @extend_schema(
        operation_id="legal_holds_release", request=GivenReasonBody, responses=HoldSerializer
    )
    def post(self, request: Request, hold_id: UUID) -> Response:
        """Release a hold, with the reason."""
        body = GivenReasonBody.read(request.data)
        hold = release_hold(hold_id, body["reason"], by=actor(request))
        return Response(HoldSerializer(hold).data)

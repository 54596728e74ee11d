"""What is read and said before a change is decided: the comparison, other evidence, comments."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.comments import comment_on_change
from governance.actions.evidence import open_comparison
from governance.models import ChangeComment, EvidenceView
from governance.opening import part_shown
from governance.queries.changes import change_with

PARTS = [part for part in EvidenceView.Part.values if part != EvidenceView.Part.COMPARISON]


class SwapSerializer(serializers.Serializer[None]):
    title = serializers.CharField()
    n = serializers.IntegerField()
    bad = serializers.IntegerField(help_text="How many of them went bad.")
    share = serializers.FloatField(allow_null=True, help_text="Of all applicants compared.")
    bad_rate = serializers.FloatField(allow_null=True)


class FirstReasonSerializer(serializers.Serializer[None]):
    reason_group = serializers.CharField(
        allow_blank=True, help_text="What weighs most. Empty: nothing weighed against them."
    )
    n = serializers.IntegerField(help_text="How many newly declined applicants have it first.")


class BandSerializer(serializers.Serializer[None]):
    low = serializers.FloatField(allow_null=True, help_text="Null where the amount is not known.")
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    newly_approved = serializers.IntegerField()
    newly_declined = serializers.IntegerField()


class AmountSerializer(serializers.Serializer[None]):
    feature = serializers.CharField(allow_blank=True)
    unit = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True, help_text="Why amounts are not told apart.")
    bands = BandSerializer(many=True)


class GroupSerializer(serializers.Serializer[None]):
    """Ratios are approval rates over the control group's, with 95 % intervals; null where too few to show."""

    attribute = serializers.CharField()
    group = serializers.CharField()
    is_control = serializers.BooleanField()
    shown = serializers.BooleanField()
    n = serializers.IntegerField(allow_null=True)
    newly_approved = serializers.IntegerField(allow_null=True)
    newly_declined = serializers.IntegerField(allow_null=True)
    champion_air = serializers.FloatField(allow_null=True)
    champion_air_low = serializers.FloatField(allow_null=True)
    champion_air_high = serializers.FloatField(allow_null=True)
    candidate_air = serializers.FloatField(allow_null=True)
    candidate_air_low = serializers.FloatField(allow_null=True)
    candidate_air_high = serializers.FloatField(allow_null=True)
    air_difference = serializers.FloatField(
        allow_null=True, help_text="The candidate's ratio minus the champion's, on the same people."
    )
    air_difference_low = serializers.FloatField(allow_null=True)
    air_difference_high = serializers.FloatField(allow_null=True)


class ComparisonSerializer(serializers.Serializer[None]):
    candidate = serializers.IntegerField(help_text="Number of the version asked for.")
    champion = serializers.IntegerField()
    n = serializers.IntegerField(help_text="Applicants compared.")
    swaps = SwapSerializer(many=True)
    reasons = FirstReasonSerializer(many=True)
    amount = AmountSerializer()
    groups = GroupSerializer(many=True)
    groups_note = serializers.CharField(allow_blank=True, help_text="Why groups are not compared.")


class CommentSerializer(serializers.ModelSerializer[ChangeComment]):
    author = serializers.CharField(source="author.username", read_only=True)

    class Meta:
        model = ChangeComment
        fields = ("author", "text", "said_at")


class CommentBody(StrictSerializer):
    text = serializers.CharField(allow_blank=True)


class ComparisonDetail(ActView):
    read_permission = "governance.view_changerequest"

    @extend_schema(operation_id="change_requests_comparison", responses=ComparisonSerializer)
    def get(self, request: Request, change_id: UUID) -> Response:
        """Who would be decided otherwise than by the champion. That you opened it is recorded; approving needs it."""
        return Response(open_comparison(change_id, by=actor(request)).as_json())


class EvidenceDetail(ActView):
    read_permission = "governance.view_changerequest"

    @extend_schema(
        operation_id="change_requests_evidence",
        parameters=[OpenApiParameter("part", str, OpenApiParameter.PATH, enum=PARTS)],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, change_id: UUID, part: str) -> Response:
        """One part of the evidence, as you may see it. That you opened it is recorded, once while it stays the same."""
        return Response(part_shown(change_id, part, by=actor(request)))


class CommentList(ActView, generics.GenericAPIView[ChangeComment]):
    read_permission = "governance.view_changerequest"
    serializer_class = CommentSerializer

    @extend_schema(
        operation_id="change_requests_comments_list", responses=CommentSerializer(many=True)
    )
    def get(self, request: Request, change_id: UUID) -> Response:
        """What was said about a change, the oldest first."""
        page = self.paginate_queryset(change_with(change_id).comments.select_related("author"))
        return self.get_paginated_response(CommentSerializer(page, many=True).data)

    @extend_schema(
        operation_id="change_requests_comments_create",
        request=CommentBody,
        responses={201: CommentSerializer},
    )
    def post(self, request: Request, change_id: UUID) -> Response:
        """Say something about a change, for everybody who may see it."""
        body = CommentBody.read(request.data)
        comment = comment_on_change(change_id, body["text"], by=actor(request))
        answer: Any = CommentSerializer(comment).data
        return Response(answer, status.HTTP_201_CREATED)

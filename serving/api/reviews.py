"""Human review of contested decisions over HTTP."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from audit.api_schema import refused
from audit.canonical import plain
from audit.errors import FieldProblem
from registry.queries import model_named
from serving.actions.reviews import (
    Result,
    acknowledge_review,
    assign_review,
    close_review,
    open_review,
    receive_information,
    request_information,
)
from serving.api.resolutions import PERIOD, OverridingBody, period_of
from serving.errors import ReviewMalformed
from serving.models import Review, ReviewStep
from serving.review_evidence import evidence_shown
from serving.reviews import open_reviews, review_figures, review_with, reviews

REFUSALS = {
    404: refused("There is no such decision or review."),
    409: refused("Not in this state, or not by this person."),
    410: refused("The person was erased."),
}


class StepSerializer(serializers.ModelSerializer[ReviewStep]):
    by = serializers.CharField(source="by.username", read_only=True)

    class Meta:
        model = ReviewStep
        fields = ("kind", "by", "taken_at", "shown_sha256")


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """A review with its steps; what was said stays in the record."""

    decision_id = serializers.UUIDField(read_only=True)
    reviewer = serializers.CharField(
        source="reviewer.username", read_only=True, default=None, allow_null=True
    )
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = Review
        fields = ("id", "decision_id", "state", "received_on", "due_on", "alert_on", "reviewer", "closed_at", "steps")  # fmt: skip


class ContestBody(StrictSerializer):
    grounds = serializers.CharField(
        allow_blank=True, help_text="What the applicant says against the decision."
    )
    received_on = serializers.DateField(
        required=False, help_text="When it reached the bank: the clock runs from here. Else today."
    )


class StepBody(StrictSerializer):
    step = serializers.ChoiceField(
        choices=["acknowledge", "assign", "request_information", "receive_information"]
    )
    reviewer = serializers.CharField(required=False, help_text="To assign: the account.")
    text = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="What is asked or answered."
    )


class ClosureBody(OverridingBody):
    result = serializers.ChoiceField(choices=["upheld", "overturned", "partly"])
    letter = serializers.CharField(
        allow_blank=True, help_text="What the applicant is told, with reasons."
    )


class ReviewFiguresSchema(serializers.Serializer[None]):
    since = serializers.DateField()
    until = serializers.DateField()
    received = serializers.IntegerField()
    open = serializers.IntegerField()
    late = serializers.IntegerField(help_text="Closed after their day, or open beyond it.")
    results = serializers.DictField(child=serializers.IntegerField())
    overturn_rate = serializers.FloatField(allow_null=True, help_text="Of those closed.")


class DecisionReviews(ActView):
    @extend_schema(
        operation_id="open_review",
        request=ContestBody,
        responses={201: ReviewSerializer, **REFUSALS},
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Hand in that the applicant contests the decision."""
        body = ContestBody.read(request.data)
        review = open_review(decision_id, **body, by=actor(request))
        return Response(ReviewSerializer(review).data, status=201)


class ReviewList(ActView, generics.GenericAPIView[Review]):
    read_permission = "serving.view_review"
    serializer_class = ReviewSerializer

    @extend_schema(operation_id="reviews_list", responses=ReviewSerializer(many=True))
    def get(self, request: Request) -> Response:
        """All reviews, the newest first."""
        page = self.paginate_queryset(reviews())
        return self.get_paginated_response(ReviewSerializer(page, many=True).data)


class ReviewsDue(ActView, generics.GenericAPIView[Review]):
    read_permission = "serving.view_review"
    serializer_class = ReviewSerializer

    @extend_schema(operation_id="reviews_due", responses=ReviewSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The open ones, whichever runs out of time first, first."""
        page = self.paginate_queryset(open_reviews())
        return self.get_paginated_response(ReviewSerializer(page, many=True).data)


class ReviewDetail(ActView):
    read_permission = "serving.view_review"

    @extend_schema(operation_id="reviews_retrieve", responses=ReviewSerializer)
    def get(self, request: Request, review_id: UUID) -> Response:
        """One review."""
        return Response(ReviewSerializer(review_with(review_id)).data)


class ReviewSteps(ActView):
    @extend_schema(
        operation_id="reviews_step",
        request=StepBody,
        responses={201: ReviewSerializer, **REFUSALS},
    )
    def post(self, request: Request, review_id: UUID) -> Response:
        """Take a review further."""
        said, by = StepBody.read(request.data), actor(request)
        match said["step"]:
            case "acknowledge":
                review = acknowledge_review(review_id, by=by)
            case "assign":
                review = assign_review(review_id, reviewer_named(said.get("reviewer", "")), by=by)
            case "request_information":
                review = request_information(review_id, said["text"], by=by)
            case _:
                review = receive_information(review_id, said["text"], by=by)
        return Response(ReviewSerializer(review).data, status=201)


class ReviewEvidence(ActView):
    @extend_schema(
        operation_id="reviews_evidence",
        request=None,
        responses={200: OpenApiTypes.OBJECT, **REFUSALS},
    )
    def post(self, request: Request, review_id: UUID) -> Response:
        """Open what the decision rests on and what was said since; that you saw it is recorded, once while it stays the same."""
        return Response(plain(evidence_shown(review_id, by=actor(request))))


class ReviewClosure(ActView):
    @extend_schema(
        operation_id="reviews_close",
        request=ClosureBody,
        responses={201: ReviewSerializer, **REFUSALS},
    )
    def post(self, request: Request, review_id: UUID) -> Response:
        """End a review with a letter; overturning decides the case the other way round."""
        body = ClosureBody.read(request.data)
        review = close_review(review_id, Result(**body), by=actor(request))
        return Response(ReviewSerializer(review).data, status=201)


class ReviewFiguresOfModel(ActView):
    read_permission = "serving.view_review"

    @extend_schema(operation_id="review_figures", parameters=PERIOD, responses=ReviewFiguresSchema)
    def get(self, request: Request, model: str) -> Response:
        """What became of the reviews received in a period."""
        period = period_of(request)
        figures = review_figures(model_named(model), **period, today=timezone.now().date())
        answer: dict[str, Any] = {
            **period,
            "received": figures.received,
            "open": figures.open,
            "late": figures.late,
            "results": dict(figures.results),
            "overturn_rate": figures.overturn_rate,
        }
        return Response(answer)


def reviewer_named(username: str) -> User:
    """Raises ReviewMalformed."""
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        problem = FieldProblem("reviewer", "unknown", "There is no active account of that name.")
        raise ReviewMalformed("The reviewer is not known.", errors=[problem])
    return found

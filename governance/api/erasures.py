"""`erasure-cases`: people's requests to be erased, with their clock, a dry run, and the decision."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.actions.erasures import (
    decide_erasure_case,
    dispute_erasure_case,
    extend_erasure_case,
    record_erasure_request,
)
from audit.api_base import ActView, StrictSerializer, actor
from audit.cases import assessment_of, erasure_case_with
from audit.models import ErasureCase, ErasureDispute
from audit.person_requests import PersonRequest
from audit.weighing import GROUNDS


class DisputeSerializer(serializers.ModelSerializer[ErasureDispute]):
    class Meta:
        model = ErasureDispute
        fields = ("disputed_by", "ground", "reason", "recorded_by", "recorded_at")


class ErasureCaseSerializer(serializers.ModelSerializer[ErasureCase]):
    subject_id = serializers.UUIDField(allow_null=True)
    answer_due_on = serializers.DateField()
    dispute = serializers.SerializerMethodField(
        help_text="Once there is one, a change request of kind `erasure` settles the case."
    )
    would_be = serializers.SerializerMethodField(
        help_text="What deciding now from the facts would do; null once decided. Nothing is changed by looking."
    )

    class Meta:
        model = ErasureCase
        fields = (
            "id", "correspondence", "subject_id", "received_on", "due_on", "extended_until", "extension_reason",
            "answer_due_on", "identity_check", "recorded_by", "state", "dispute", "would_be", "outcome", "assessment",
            "is_restricted", "letter", "decided_by", "decided_at",
        )  # fmt: skip

    @extend_schema_field(DisputeSerializer(allow_null=True))
    def get_dispute(self, case: ErasureCase) -> dict[str, Any] | None:
        dispute = getattr(case, "dispute", None)
        return dict(DisputeSerializer(dispute).data) if dispute else None

    def get_would_be(self, case: ErasureCase) -> dict[str, Any] | None:
        if case.state != ErasureCase.State.OPEN:
            return None
        assessment = assessment_of(case)
        return assessment.as_json() | {"digest": assessment.digest}


class ErasureBody(StrictSerializer):
    correspondence = serializers.CharField(
        max_length=100, help_text="The bank's own file number, without a name in it."
    )
    identity_check = serializers.CharField(help_text="How it was made sure who asks.")
    received_on = serializers.DateField()
    client = serializers.CharField(required=False, default="", allow_blank=True)
    subject_ref = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="The client's own reference."
    )
    subject_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class ErasureDecisionBody(StrictSerializer):
    seen = serializers.CharField(help_text="The `digest` of the `would_be` that you decide on.")


class DisputeBody(StrictSerializer):
    disputed_by = serializers.ChoiceField(choices=ErasureDispute.Side.choices)
    ground = serializers.ChoiceField(
        choices=list(GROUNDS), help_text="The ground whose application is disputed."
    )
    reason = serializers.CharField(allow_blank=True, help_text="Without names. Required.")


class GivenReasonBody(StrictSerializer):
    reason = serializers.CharField(allow_blank=True)


class ErasureList(ActView, generics.GenericAPIView[ErasureCase]):
    read_permission = "audit.view_erasurecase"
    serializer_class = ErasureCaseSerializer

    @extend_schema(operation_id="erasure_cases_list", responses=ErasureCaseSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Requests for erasure, the newest first."""
        page = self.paginate_queryset(ErasureCase.objects.select_related("dispute"))
        return self.get_paginated_response(ErasureCaseSerializer(page, many=True).data)

    @extend_schema(
        operation_id="erasure_cases_create",
        request=ErasureBody,
        responses={201: ErasureCaseSerializer},
    )
    def post(self, request: Request) -> Response:
        """Record a request. The reference is looked up and kept nowhere."""
        body = ErasureBody.read(request.data)
        case = record_erasure_request(PersonRequest(**body), by=actor(request))
        return Response(ErasureCaseSerializer(case).data, status.HTTP_201_CREATED)


class ErasureDetail(ActView):
    read_permission = "audit.view_erasurecase"

    @extend_schema(operation_id="erasure_cases_retrieve", responses=ErasureCaseSerializer)
    def get(self, request: Request, case_id: UUID) -> Response:
        """One request; while it is open, with what deciding it now would do."""
        return Response(ErasureCaseSerializer(erasure_case_with(case_id)).data)


class ErasureDecision(ActView):
    @extend_schema(
        operation_id="erasure_cases_decide",
        request=ErasureDecisionBody,
        responses=ErasureCaseSerializer,
    )
    def post(self, request: Request, case_id: UUID) -> Response:
        """Decide a request as it was seen, and carry it out. What is erased does not come back."""
        body = ErasureDecisionBody.read(request.data)
        case = decide_erasure_case(case_id, body["seen"], by=actor(request))
        return Response(ErasureCaseSerializer(case).data)


class ErasureExtension(ActView):
    @extend_schema(
        operation_id="erasure_cases_extend",
        request=GivenReasonBody,
        responses=ErasureCaseSerializer,
    )
    def post(self, request: Request, case_id: UUID) -> Response:
        """Take two further months, of which the person is told within the first."""
        body = GivenReasonBody.read(request.data)
        case = extend_erasure_case(case_id, body["reason"], by=actor(request))
        return Response(ErasureCaseSerializer(case).data)


class ErasureDisputing(ActView):
    @extend_schema(
        operation_id="erasure_cases_dispute",
        request=DisputeBody,
        responses={201: ErasureCaseSerializer},
    )
    def post(self, request: Request, case_id: UUID) -> Response:
        """Put on record that the answer is disputed. From then on two people settle it, by a change request."""
        body = DisputeBody.read(request.data)
        dispute_erasure_case(case_id, **body, by=actor(request))
        case = erasure_case_with(case_id)
        return Response(ErasureCaseSerializer(case).data, status.HTTP_201_CREATED)

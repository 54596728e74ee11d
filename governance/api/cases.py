"""`retraining-cases`: the duty to answer a drift within 24 hours."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.cases import open_case
from governance.models import CaseStep, RetrainingCase
from governance.queries.cases import BY_HAND, case_with, cases
from registry.queries import model_named


class CaseStepSerializer(serializers.ModelSerializer[CaseStep]):
    actor = serializers.CharField(source="actor.username", read_only=True)

    class Meta:
        model = CaseStep
        fields = ("step", "budget_minutes", "actor", "started_at", "finished_at", "outcome", "detail")  # fmt: skip


class CaseSerializer(serializers.ModelSerializer[RetrainingCase]):
    model = serializers.CharField(source="model.name", read_only=True)
    candidate = serializers.SerializerMethodField(help_text="Number of the candidate version.")
    alerts = serializers.SerializerMethodField(help_text="Numbers of the alerts it answers.")
    warnings = serializers.SerializerMethodField(help_text="Percent of the time used, as warned.")
    steps = CaseStepSerializer(many=True, read_only=True)

    class Meta:
        model = RetrainingCase
        fields = (
            "id", "model", "cause", "reason", "state", "detected_at", "due_at", "closed_at", "closing_reason",
            "candidate", "alerts", "warnings", "steps",
        )  # fmt: skip

    def get_candidate(self, case: RetrainingCase) -> int | None:
        return case.candidate_version.number if case.candidate_version else None

    def get_alerts(self, case: RetrainingCase) -> list[int]:
        return [link.alert_id for link in case.alerts.all()]

    def get_warnings(self, case: RetrainingCase) -> list[int]:
        return sorted(warning.percent for warning in case.warnings.all())


class CaseBody(StrictSerializer):
    model = serializers.CharField()
    reason = serializers.CharField()


class CaseList(ActView, generics.GenericAPIView[RetrainingCase]):
    read_permission = "governance.view_retrainingcase"
    serializer_class = CaseSerializer

    @extend_schema(operation_id="retraining_cases_list", responses=CaseSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Retraining cases, the newest first."""
        page = self.paginate_queryset(cases())
        return self.get_paginated_response(CaseSerializer(page, many=True).data)

    @extend_schema(
        operation_id="retraining_cases_create", request=CaseBody, responses={201: CaseSerializer}
    )
    def post(self, request: Request) -> Response:
        """Open a case by hand; workers carry it until people must decide."""
        fields = CaseBody.read(request.data)
        model = model_named(fields["model"])
        case = open_case(model, BY_HAND, fields["reason"], by=actor(request))
        return Response(CaseSerializer(case_with(case.pk)).data, status.HTTP_201_CREATED)


class CaseDetail(ActView):
    read_permission = "governance.view_retrainingcase"

    @extend_schema(operation_id="retraining_cases_retrieve", responses=CaseSerializer)
    def get(self, request: Request, case_id: UUID) -> Response:
        """One case with its clock and every step."""
        return Response(CaseSerializer(case_with(case_id)).data)

"""`gate-reports`: a version measured against the gate policy in force."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from audit.api_base import ActView, actor
from governance.actions.gates import request_gates
from governance.models import GateReport, GateRun
from governance.queries.gates import gate_run_with, report_of, reports_of, results_for
from registry.models import ModelVersion
from registry.queries import model_named, version_numbered


class GateRunSerializer(serializers.ModelSerializer[GateRun]):
    model = serializers.CharField(source="version.model.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)
    report = serializers.SerializerMethodField(help_text="Number of the report; null before.")

    class Meta:
        model = GateRun
        fields = ("id", "model", "version", "state", "error", "report", "requested_by", "requested_at", "started_at", "finished_at")  # fmt: skip

    def get_report(self, run: GateRun) -> int | None:
        return run.report.pk if run.state == GateRun.State.MEASURED else None


class VerdictSerializer(serializers.Serializer[None]):
    """One check, or one group where the check compares groups."""

    check = serializers.CharField()
    subject = serializers.CharField()
    status = serializers.ChoiceField(choices=["pass", "watch", "fail", "insufficient_data"])
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()
    threshold = serializers.CharField()
    severity = serializers.ChoiceField(choices=["block", "watch"])
    reason = serializers.CharField(help_text="Why the policy asks for this.")
    why = serializers.CharField(help_text="Why the status is what it is.")
    policy_threshold = serializers.CharField(
        required=False, help_text="The policy's own limit, where an exception took its place."
    )
    exception = serializers.CharField(
        required=False, help_text="Entry id of the exception that it was judged by; else empty."
    )
    details = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="The numbers behind the one judged: by feature, or by grade.",
    )


class GateReportSerializer(serializers.ModelSerializer[GateReport]):
    model = serializers.CharField(source="version.model.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    policy = serializers.CharField(source="policy.__str__", read_only=True)
    results = serializers.SerializerMethodField(
        help_text="Verdicts on single groups only for those who may see fairness reports."
    )

    class Meta:
        model = GateReport
        fields = ("id", "model", "version", "policy", "passed", "sha256", "measured_at", "results")

    @extend_schema_field(VerdictSerializer(many=True))
    def get_results(self, report: GateReport) -> list[dict[str, Any]]:
        return results_for(actor(self.context["request"]), report)


def _version(model: str, number: int) -> ModelVersion:
    return version_numbered(model_named(model), number)


class GateReportList(ActView, generics.GenericAPIView[GateReport]):
    read_permission = "governance.view_gatereport"
    serializer_class = GateReportSerializer

    @extend_schema(operation_id="gate_reports_list", responses=GateReportSerializer(many=True))
    def get(self, request: Request, model: str, number: int) -> Response:
        """The reports of a version, the newest first."""
        page = self.paginate_queryset(reports_of(_version(model, number)))
        rows = GateReportSerializer(page, many=True, context={"request": request})
        return self.get_paginated_response(rows.data)

    @extend_schema(
        operation_id="gate_reports_create", request=None, responses={202: GateRunSerializer}
    )
    def post(self, request: Request, model: str, number: int) -> Response:
        """Have a version measured by a worker; `Location` says where to ask how far it is."""
        run = request_gates(_version(model, number), by=actor(request))
        where = reverse("governance-gate-run", args=[run.pk])
        return Response(
            GateRunSerializer(run).data, status.HTTP_202_ACCEPTED, headers={"Location": where}
        )


class GateReportDetail(ActView):
    read_permission = "governance.view_gatereport"

    @extend_schema(operation_id="gate_reports_retrieve", responses=GateReportSerializer)
    def get(self, request: Request, model: str, number: int, report_id: int) -> Response:
        """One report."""
        report = report_of(_version(model, number), report_id)
        return Response(GateReportSerializer(report, context={"request": request}).data)


class GateRunDetail(ActView):
    read_permission = "governance.view_gaterun"

    @extend_schema(operation_id="gate_runs_retrieve", responses=GateRunSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """How far a measuring is."""
        return Response(GateRunSerializer(gate_run_with(run_id)).data)

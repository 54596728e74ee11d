"""`findings`: what is wrong with models, who puts it right, and by when."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.findings import (
    Deficiency,
    close_finding,
    extend_finding,
    open_finding,
    reject_remediation,
    submit_remediation,
)
from governance.api.changes import ReasonBody
from governance.api.erasures import GivenReasonBody
from governance.models import Finding, FindingExtension
from governance.queries.accounts import account
from governance.queries.findings import finding_with, findings
from registry.queries import model_named, version_numbered


class ExtensionSerializer(serializers.ModelSerializer[FindingExtension]):
    approved_by = serializers.CharField(source="approved_by.username", read_only=True)

    class Meta:
        model = FindingExtension
        fields = ("was_due_on", "due_on", "reason", "approved_by", "approved_at")


class FindingSerializer(serializers.ModelSerializer[Finding]):
    model = serializers.CharField(source="model.name", read_only=True)
    version = serializers.IntegerField(
        source="version.number", read_only=True, default=None, allow_null=True,
        help_text="Null where the finding is about every version.",
    )  # fmt: skip
    owner = serializers.CharField(source="owner.username", read_only=True)
    opened_by = serializers.CharField(source="opened_by.username", read_only=True)
    closed_by = serializers.CharField(
        source="closed_by.username", read_only=True, default=None, allow_null=True
    )
    extensions = ExtensionSerializer(many=True, read_only=True)
    extension_count = serializers.SerializerMethodField()
    restrictions = serializers.SerializerMethodField(
        help_text="The use restrictions that it led to and that hold, by number."
    )

    class Meta:
        model = Finding
        fields = (
            "id", "model", "version", "severity", "category", "title", "evidence", "root_cause", "is_repeat", "owner",
            "due_on", "opened_by", "opened_at", "state", "remediation", "remediated_at", "rejection", "closed_by",
            "closed_at", "closing_rationale", "extension_count", "extensions",
            "restrictions",
        )  # fmt: skip

    def get_extension_count(self, finding: Finding) -> int:
        return len(finding.extensions.all())

    def get_restrictions(self, finding: Finding) -> list[int]:
        return [each.restriction_id for each in finding.restrictions.all() if each.holds]


class FindingBody(StrictSerializer):
    model = serializers.CharField()
    version = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="Absent: about every version."
    )
    severity = serializers.CharField(help_text="`critical`, `high`, `medium` or `low`.")
    category = serializers.CharField(max_length=100, allow_blank=True)
    title = serializers.CharField(max_length=200, allow_blank=True)
    evidence = serializers.CharField(allow_blank=True)
    root_cause = serializers.CharField(required=False, default="", allow_blank=True)
    owner = serializers.CharField(help_text="The account of whoever puts it right.")
    due_on = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="Absent: as the policy says."
    )
    is_repeat = serializers.BooleanField(required=False, default=False)


class RemediationBody(StrictSerializer):
    remediation = serializers.CharField(allow_blank=True)


class FindingExtensionBody(StrictSerializer):
    due_on = serializers.DateField()
    reason = serializers.CharField(allow_blank=True)


class FindingList(ActView, generics.GenericAPIView[Finding]):
    read_permission = "governance.view_finding"
    serializer_class = FindingSerializer

    @extend_schema(
        operation_id="findings_list",
        parameters=[
            OpenApiParameter("model"),
            OpenApiParameter("state", enum=Finding.State.values),
        ],
        responses=FindingSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Findings, the newest first."""
        found = findings()
        if state := request.query_params.get("state"):
            found = found.filter(state=state)
        if model := request.query_params.get("model"):
            found = found.filter(model__name=model)
        page = self.paginate_queryset(found)
        return self.get_paginated_response(FindingSerializer(page, many=True).data)

    @extend_schema(
        operation_id="findings_create", request=FindingBody, responses={201: FindingSerializer}
    )
    def post(self, request: Request) -> Response:
        """Open a finding about a model or one of its versions."""
        fields = FindingBody.read(request.data)
        model = model_named(fields.pop("model"))
        number = fields.pop("version")
        version = None if number is None else version_numbered(model, number)
        found = Deficiency(**fields | {"owner": account(fields["owner"]), "version": version})
        finding = open_finding(model, found, by=actor(request))
        return _shown(finding.pk, status.HTTP_201_CREATED)


class FindingDetail(ActView):
    read_permission = "governance.view_finding"

    @extend_schema(operation_id="findings_retrieve", responses=FindingSerializer)
    def get(self, request: Request, finding_id: UUID) -> Response:
        """One finding with its extensions."""
        return _shown(finding_id)


class Remediation(ActView):
    @extend_schema(
        operation_id="findings_remediate", request=RemediationBody, responses=FindingSerializer
    )
    def post(self, request: Request, finding_id: UUID) -> Response:
        """The owner says how it was put right."""
        body = RemediationBody.read(request.data)
        submit_remediation(finding_id, body["remediation"], by=actor(request))
        return _shown(finding_id)


class RemediationRejection(ActView):
    @extend_schema(
        operation_id="findings_reject_remediation",
        request=GivenReasonBody,
        responses=FindingSerializer,
    )
    def post(self, request: Request, finding_id: UUID) -> Response:
        """Send a finding back to its owner."""
        body = GivenReasonBody.read(request.data)
        reject_remediation(finding_id, body["reason"], by=actor(request))
        return _shown(finding_id)


class FindingClosure(ActView):
    @extend_schema(operation_id="findings_close", request=ReasonBody, responses=FindingSerializer)
    def post(self, request: Request, finding_id: UUID) -> Response:
        """Close a remediated finding; neither its owner nor the developer does."""
        body = ReasonBody.read(request.data)
        close_finding(finding_id, body["rationale"], by=actor(request))
        return _shown(finding_id)


class FindingExtensionList(ActView):
    @extend_schema(
        operation_id="findings_extend",
        request=FindingExtensionBody,
        responses={201: FindingSerializer},
    )
    def post(self, request: Request, finding_id: UUID) -> Response:
        """Give a finding more time."""
        body = FindingExtensionBody.read(request.data)
        extend_finding(finding_id, **body, by=actor(request))
        return _shown(finding_id, status.HTTP_201_CREATED)


def _shown(finding_id: UUID, code: int = status.HTTP_200_OK) -> Response:
    return Response(FindingSerializer(finding_with(finding_id)).data, code)

"""`models/{model}/versions`: registered versions over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry import history, queries
from registry.actions.versions import register_version
from registry.api_base import AS_OF, as_of
from registry.models import Artefact, Baseline, Clearance, Dataset, ModelVersion, Policy


class ArtefactSerializer(serializers.ModelSerializer[Artefact]):
    class Meta:
        model = Artefact
        fields = ("sha256", "content_sha256", "format", "size", "key_id", "signature", "created_at")


class BaselineSerializer(serializers.ModelSerializer[Baseline]):
    class Meta:
        model = Baseline
        fields = ("id", "sha256", "rows", "band", "cut_off", "created_at")


class DatasetReferenceSerializer(serializers.ModelSerializer[Dataset]):
    class Meta:
        model = Dataset
        fields = ("id", "name", "sha256")


class PolicyReferenceSerializer(serializers.ModelSerializer[Policy]):
    class Meta:
        model = Policy
        fields = ("id", "kind", "name", "version", "sha256")


class ClearanceSerializer(serializers.ModelSerializer[Clearance]):
    class Meta:
        model = Clearance
        fields = (
            "id",
            "kind",
            "purpose",
            "grant",
            "artefact_sha256",
            "evidence_digest",
            "approver_ids",
            "change_request_id",
            "valid_from",
            "valid_to",
            "is_break_glass",
        )


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    model = serializers.CharField(source="model.name", read_only=True)
    artefact_sha256 = serializers.CharField(source="artefact_id", read_only=True)
    developed_by = serializers.CharField(source="developed_by.username", read_only=True)

    class Meta:
        model = ModelVersion
        fields = (
            "model",
            "number",
            "stage",
            "run",
            "artefact_sha256",
            "contract_sha256",
            "cut_off",
            "developed_by",
            "created_at",
            "stage_changed_at",
        )


class VersionDetailSerializer(VersionSerializer):
    artefact = ArtefactSerializer(read_only=True)
    baseline = BaselineSerializer(read_only=True)
    dataset = DatasetReferenceSerializer(read_only=True)
    decision_policy = PolicyReferenceSerializer(read_only=True)
    reason_library = PolicyReferenceSerializer(read_only=True)
    clearances = ClearanceSerializer(many=True, read_only=True)

    class Meta(VersionSerializer.Meta):
        fields = (  # type: ignore[assignment]  # longer than the list's
            *VersionSerializer.Meta.fields,
            "artefact",
            "baseline",
            "dataset",
            "contract",
            "decision_policy",
            "reason_library",
            "clearances",
        )


class VersionRequest(StrictSerializer):
    run = serializers.UUIDField(help_text="A run that succeeded.")
    cut_off = serializers.FloatField(
        help_text="The probability of bad from which applications are declined; the policy's."
    )
    decision_policy = serializers.IntegerField(help_text="Number of a decision policy in force.")
    reason_library = serializers.IntegerField(help_text="Number of a reason library in force.")


class VersionsView(ActView, generics.GenericAPIView[ModelVersion]):
    read_permission = "registry.view_modelversion"
    serializer_class = VersionSerializer

    @extend_schema(
        operation_id="versions_list", parameters=[AS_OF], responses=VersionSerializer(many=True)
    )
    def get(self, request: Request, model: str) -> Response:
        """The versions of a model, the newest first."""
        found, at = queries.model_named(model), as_of(request)
        versions = history.versions_at(found, at) if at else queries.versions_of(found)
        page = self.paginate_queryset(versions.select_related("developed_by"))
        if at:
            page = history.staged(page or [], at)
        return self.get_paginated_response(VersionSerializer(page, many=True).data)

    @extend_schema(
        operation_id="versions_create",
        request=VersionRequest,
        responses={201: VersionDetailSerializer},
    )
    def post(self, request: Request, model: str) -> Response:
        """Make a version of what a run of this model left."""
        fields = VersionRequest.read(request.data)
        version = register_version(
            queries.run_of(queries.model_named(model), fields["run"]),
            fields["cut_off"],
            queries.policy_with(fields["decision_policy"]),
            queries.policy_with(fields["reason_library"]),
            by=actor(request),
        )
        return Response(VersionDetailSerializer(version).data, status=status.HTTP_201_CREATED)


class VersionView(ActView):
    read_permission = "registry.view_modelversion"

    @extend_schema(
        operation_id="versions_retrieve", parameters=[AS_OF], responses=VersionDetailSerializer
    )
    def get(self, request: Request, model: str, number: int) -> Response:
        """One version: everything it is made of, and what it is cleared for."""
        found, at = queries.model_named(model), as_of(request)
        version = (
            history.version_at(found, number, at) if at else queries.version_numbered(found, number)
        )
        return Response(VersionDetailSerializer(version).data)

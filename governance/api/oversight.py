"""`attestations` and `revalidations`: what is asked of a model again and again."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.attestations import attest_model
from governance.actions.materiality import assess_materiality
from governance.actions.revalidations import complete_revalidation, open_revalidation
from governance.models import Attestation, MaterialityAssessment, Revalidation
from governance.queries.materiality import assessments
from governance.queries.oversight import attestations, revalidation_with, revalidations
from registry.queries import model_named


class AttestationSerializer(serializers.ModelSerializer[Attestation]):
    model = serializers.CharField(source="model.name", read_only=True)
    attested_by = serializers.CharField(source="attested_by.username", read_only=True)

    class Meta:
        model = Attestation
        fields = ("id", "model", "statement", "from_on", "to_on", "next_due_on", "attested_by", "attested_at")  # fmt: skip


class AttestationBody(StrictSerializer):
    model = serializers.CharField()
    statement = serializers.CharField(allow_blank=True)


class RevalidationSerializer(serializers.ModelSerializer[Revalidation]):
    model = serializers.CharField(source="model.name", read_only=True)
    opened_by = serializers.CharField(source="opened_by.username", read_only=True)
    completed_by = serializers.CharField(
        source="completed_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Revalidation
        fields = (
            "id", "model", "cause", "due_on", "opened_by", "opened_at", "state", "outcome", "summary", "completed_by",
            "completed_at", "next_due_on",
        )  # fmt: skip


class RevalidationBody(StrictSerializer):
    model = serializers.CharField()
    cause = serializers.CharField(
        help_text="`periodic`, `tier_change`, `breach_alert` or `new_use`."
    )
    due_on = serializers.DateField()


class CompletionBody(StrictSerializer):
    outcome = serializers.CharField(
        help_text="`approved`, `approved_with_restrictions` or `rejected`."
    )
    summary = serializers.CharField(allow_blank=True)


class AttestationList(ActView, generics.GenericAPIView[Attestation]):
    read_permission = "governance.view_attestation"
    serializer_class = AttestationSerializer

    @extend_schema(operation_id="attestations_list", responses=AttestationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Attestations, the newest first."""
        page = self.paginate_queryset(attestations())
        return self.get_paginated_response(AttestationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="attestations_create",
        request=AttestationBody,
        responses={201: AttestationSerializer},
    )
    def post(self, request: Request) -> Response:
        """The owner attests that inventory entry and use of a model are as recorded."""
        fields = AttestationBody.read(request.data)
        made = attest_model(model_named(fields["model"]), fields["statement"], by=actor(request))
        return Response(AttestationSerializer(made).data, status.HTTP_201_CREATED)


class RevalidationList(ActView, generics.GenericAPIView[Revalidation]):
    read_permission = "governance.view_revalidation"
    serializer_class = RevalidationSerializer

    @extend_schema(operation_id="revalidations_list", responses=RevalidationSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Revalidations, the newest first."""
        page = self.paginate_queryset(revalidations())
        return self.get_paginated_response(RevalidationSerializer(page, many=True).data)

    @extend_schema(
        operation_id="revalidations_create",
        request=RevalidationBody,
        responses={201: RevalidationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Say that a model is to be validated again, and by when."""
        fields = RevalidationBody.read(request.data)
        made = open_revalidation(
            model_named(fields["model"]), fields["cause"], fields["due_on"], by=actor(request)
        )
        return Response(RevalidationSerializer(made).data, status.HTTP_201_CREATED)


class RevalidationDetail(ActView):
    read_permission = "governance.view_revalidation"

    @extend_schema(operation_id="revalidations_retrieve", responses=RevalidationSerializer)
    def get(self, request: Request, revalidation_id: UUID) -> Response:
        """One revalidation."""
        return Response(RevalidationSerializer(revalidation_with(revalidation_id)).data)


class RevalidationCompletion(ActView):
    @extend_schema(
        operation_id="revalidations_complete",
        request=CompletionBody,
        responses=RevalidationSerializer,
    )
    def post(self, request: Request, revalidation_id: UUID) -> Response:
        """Complete a revalidation; whoever developed the model does not."""
        body = CompletionBody.read(request.data)
        complete_revalidation(revalidation_id, **body, by=actor(request))
        return Response(RevalidationSerializer(revalidation_with(revalidation_id)).data)


class MaterialitySerializer(serializers.ModelSerializer[MaterialityAssessment]):
    model = serializers.CharField(source="model.name", read_only=True)
    policy_version = serializers.IntegerField(source="policy.version", read_only=True)
    assessed_by = serializers.CharField(source="assessed_by.username", read_only=True)

    class Meta:
        model = MaterialityAssessment
        fields = (
            "id", "model", "revision", "policy_version", "period_from", "period_to", "decisions", "amount",
            "amounts_known", "amount_feature", "amount_unit", "exposure", "purpose", "basis", "tier",
            "proposed_tier", "rationale", "assessed_by", "assessed_at",
        )  # fmt: skip


class MaterialityBody(StrictSerializer):
    rationale = serializers.CharField(allow_blank=True)


class MaterialityList(ActView, generics.GenericAPIView[MaterialityAssessment]):
    read_permission = "governance.view_materialityassessment"
    serializer_class = MaterialitySerializer

    @extend_schema(operation_id="materiality_list", responses=MaterialitySerializer(many=True))
    def get(self, request: Request, model: str) -> Response:
        """How material the model was found to be, the newest first."""
        page = self.paginate_queryset(assessments().filter(model=model_named(model)))
        return self.get_paginated_response(MaterialitySerializer(page, many=True).data)

    @extend_schema(
        operation_id="materiality_create",
        request=MaterialityBody,
        responses={201: MaterialitySerializer},
    )
    def post(self, request: Request, model: str) -> Response:
        """Assess the model by what it decided and what it is for; its tier stays as it is."""
        body = MaterialityBody.read(request.data)
        made = assess_materiality(model_named(model), **body, by=actor(request))
        return Response(MaterialitySerializer(made).data, status.HTTP_201_CREATED)

"""`models`: the inventory over HTTP."""

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry import history, queries
from registry.actions.models import amend_model, change_tier, register_model
from registry.api_base import AS_OF, as_of
from registry.models import ModelRecord, ScoringModel
from registry.models.inventory import AMENDABLE


class ModelSerializer(serializers.ModelSerializer[ScoringModel]):
    owner = serializers.CharField(source="owner.username", read_only=True)
    champion = serializers.SerializerMethodField(
        help_text="Number of the version in production, null when there is none."
    )

    class Meta:
        model = ScoringModel
        fields = (
            "name",
            "title",
            "purpose",
            "product",
            "approved_uses",
            "prohibited_uses",
            "jurisdictions",
            "label_meaning",
            "regulatory_use",
            "tier",
            "tier_rationale",
            "owner",
            "limitations",
            "methodology",
            "vendor",
            "actual_use",
            "operating_boundaries",
            "assumptions",
            "compensating_controls",
            "users",
            "dependencies",
            "complexity",
            "inherent_risk",
            "label_window_months",
            "revision",
            "created_at",
            "champion",
        )

    def get_champion(self, model: ScoringModel) -> int | None:
        at = self.context.get("at")
        champion = history.champion_at(model, at) if at else queries.champion(model)
        return champion.number if champion else None


class ModelRequest(StrictSerializer):
    name = serializers.CharField(max_length=50)
    title = serializers.CharField(max_length=200)
    purpose = serializers.CharField()
    product = serializers.CharField(max_length=200, default="", allow_blank=True)
    approved_uses = serializers.ListField(child=serializers.CharField(), default=list)
    prohibited_uses = serializers.ListField(child=serializers.CharField(), default=list)
    jurisdictions = serializers.ListField(child=serializers.CharField(), default=list)
    label_meaning = serializers.CharField(help_text="What bad means for this model.")
    regulatory_use = serializers.CharField(max_length=200, default="", allow_blank=True)
    tier = serializers.IntegerField(min_value=1, max_value=3)
    tier_rationale = serializers.CharField()
    owner = serializers.SlugRelatedField[User](
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        required=False,
        help_text="User name of whoever answers for the model; you, when left out.",
    )
    limitations = serializers.CharField(default="", allow_blank=True)


class AmendmentRequest(StrictSerializer):
    rationale = serializers.CharField(allow_blank=True, help_text="Why. It is recorded.")
    changes = serializers.DictField(help_text=f"New values by field: {', '.join(AMENDABLE)}.")


class TierRequest(StrictSerializer):
    tier = serializers.IntegerField()
    rationale = serializers.CharField(allow_blank=True)


class ModelRecordSerializer(serializers.ModelSerializer[ModelRecord]):
    recorded_by = serializers.CharField(source="recorded_by.username", read_only=True)

    class Meta:
        model = ModelRecord
        fields = ("revision", "valid_from", "body", "rationale", "recorded_by", "entry")


class ModelsView(ActView, generics.GenericAPIView[ScoringModel]):
    read_permission = "registry.view_scoringmodel"
    queryset = ScoringModel.objects.select_related("owner")
    serializer_class = ModelSerializer

    @extend_schema(
        operation_id="models_list", parameters=[AS_OF], responses=ModelSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """The models of the inventory."""
        at = as_of(request)
        page = self.paginate_queryset(history.models_at(at) if at else self.get_queryset())
        return self.get_paginated_response(
            ModelSerializer(page, many=True, context={"at": at}).data
        )

    @extend_schema(
        operation_id="models_create", request=ModelRequest, responses={201: ModelSerializer}
    )
    def post(self, request: Request) -> Response:
        """Enter a model into the inventory."""
        body = ModelRequest.read(request.data)
        fields: dict[str, Any] = {"owner": actor(request), **body}
        model = register_model(fields.pop("name"), by=actor(request), **fields)
        return Response(ModelSerializer(model).data, status=status.HTTP_201_CREATED)


class ModelView(ActView):
    read_permission = "registry.view_scoringmodel"

    @extend_schema(operation_id="models_retrieve", parameters=[AS_OF], responses=ModelSerializer)
    def get(self, request: Request, model: str) -> Response:
        """One model of the inventory."""
        at = as_of(request)
        found = history.model_at(model, at) if at else queries.model_named(model)
        return Response(ModelSerializer(found, context={"at": at}).data)

    @extend_schema(operation_id="models_amend", request=AmendmentRequest, responses=ModelSerializer)
    def patch(self, request: Request, model: str) -> Response:
        """Change fields of the entry; the state before stays in the history."""
        body = AmendmentRequest.read(request.data)
        changes = dict(body["changes"])
        if "owner" in changes:
            changes["owner"] = User.objects.filter(
                username=str(changes["owner"]), is_active=True
            ).first()
        amended = amend_model(
            queries.model_named(model),
            changes,
            body["rationale"],
            by=actor(request),
        )
        return Response(ModelSerializer(amended).data)


class TierView(ActView):
    @extend_schema(
        operation_id="models_change_tier", request=TierRequest, responses={201: ModelSerializer}
    )
    def post(self, request: Request, model: str) -> Response:
        """Move a model to another tier."""
        body = TierRequest.read(request.data)
        moved = change_tier(queries.model_named(model), by=actor(request), **body)
        return Response(ModelSerializer(moved).data, status=status.HTTP_201_CREATED)


class ModelRecordsView(ActView, generics.GenericAPIView[ModelRecord]):
    read_permission = "registry.view_scoringmodel"
    serializer_class = ModelRecordSerializer

    @extend_schema(operation_id="models_records", responses=ModelRecordSerializer(many=True))
    def get(self, request: Request, model: str) -> Response:
        """Every state that the model's entry ever had, the newest first."""
        records = queries.model_named(model).records.select_related("recorded_by")
        page = self.paginate_queryset(records)
        return self.get_paginated_response(ModelRecordSerializer(page, many=True).data)

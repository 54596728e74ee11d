"""`models`: the inventory over HTTP."""

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry import queries
from registry.actions.models import register_model
from registry.models import ScoringModel


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
            "created_at",
            "champion",
        )

    def get_champion(self, model: ScoringModel) -> int | None:
        champion = queries.champion(model)
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


class ModelsView(ActView, generics.GenericAPIView[ScoringModel]):
    read_permission = "registry.view_scoringmodel"
    queryset = ScoringModel.objects.select_related("owner")
    serializer_class = ModelSerializer

    @extend_schema(operation_id="models_list", responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The models of the inventory."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ModelSerializer(page, many=True).data)

    @extend_schema(
        operation_id="models_create", request=ModelRequest, responses={201: ModelSerializer}
    )
    def post(self, request: Request) -> Response:
        """Enter a model into the inventory."""
        body = ModelRequest(data=request.data)
        body.is_valid(raise_exception=True)
        fields: dict[str, Any] = {"owner": actor(request), **body.validated_data}
        model = register_model(fields.pop("name"), by=actor(request), **fields)
        return Response(ModelSerializer(model).data, status=status.HTTP_201_CREATED)


class ModelView(ActView):
    read_permission = "registry.view_scoringmodel"

    @extend_schema(operation_id="models_retrieve", responses=ModelSerializer)
    def get(self, request: Request, model: str) -> Response:
        """One model of the inventory."""
        return Response(ModelSerializer(queries.model_named(model)).data)

"""`models/{model}/restrictions`: what a model or one of its versions may not be used for."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry import queries
from registry.actions.restrictions import lift_restriction, restrict_use
from registry.models import RestrictionLift, UseRestriction


class LiftSerializer(serializers.ModelSerializer[RestrictionLift]):
    lifted_by = serializers.CharField(source="lifted_by.username", read_only=True)

    class Meta:
        model = RestrictionLift
        fields = ("reason", "lifted_by", "lifted_at", "entry")


class RestrictionSerializer(serializers.ModelSerializer[UseRestriction]):
    model = serializers.CharField(source="model.name", read_only=True)
    version = serializers.SerializerMethodField(
        help_text="Number of the version, null for the model as a whole."
    )
    placed_by = serializers.CharField(source="placed_by.username", read_only=True)
    lift = serializers.SerializerMethodField()

    class Meta:
        model = UseRestriction
        fields = (
            "id",
            "model",
            "version",
            "kind",
            "limits",
            "reason",
            "placed_by",
            "valid_from",
            "valid_to",
            "entry",
            "lift",
        )

    def get_version(self, restriction: UseRestriction) -> int | None:
        return restriction.version.number if restriction.version else None

    def get_lift(self, restriction: UseRestriction) -> dict[str, Any] | None:
        return LiftSerializer(restriction.lift).data if hasattr(restriction, "lift") else None


class RestrictionRequest(StrictSerializer):
    version = serializers.IntegerField(
        default=None, allow_null=True, help_text="Left out: the model as a whole."
    )
    kind = serializers.ChoiceField(choices=UseRestriction.Kind.choices)
    limits = serializers.DictField(
        default=dict,
        help_text="`max_amount`: feature, max. `allowed_values`: feature, values. `no_new_decisions`: nothing.",
    )
    reason = serializers.CharField(allow_blank=True)
    valid_to = serializers.DateTimeField(default=None, allow_null=True)


class LiftRequest(StrictSerializer):
    reason = serializers.CharField(allow_blank=True)


class RestrictionsView(ActView, generics.GenericAPIView[UseRestriction]):
    read_permission = "registry.view_userestriction"
    serializer_class = RestrictionSerializer

    @extend_schema(operation_id="restrictions_list", responses=RestrictionSerializer(many=True))
    def get(self, request: Request, model: str) -> Response:
        """Every restriction ever placed on the model or a version of it, the newest first."""
        found = queries.restrictions().filter(model=queries.model_named(model))
        page = self.paginate_queryset(found)
        return self.get_paginated_response(RestrictionSerializer(page, many=True).data)

    @extend_schema(
        operation_id="restrictions_create",
        request=RestrictionRequest,
        responses={201: RestrictionSerializer},
    )
    def post(self, request: Request, model: str) -> Response:
        """Restrict the use of the model or of one version: the next application is held to it."""
        fields = RestrictionRequest.read(request.data)
        found, number = queries.model_named(model), fields.pop("version")
        on = found if number is None else queries.version_numbered(found, number)
        restriction = restrict_use(on, by=actor(request), **fields)
        answer = RestrictionSerializer(queries.restriction_with(restriction.pk)).data
        return Response(answer, status=status.HTTP_201_CREATED)


class LiftView(ActView):
    @extend_schema(
        operation_id="restrictions_lift",
        request=LiftRequest,
        responses={201: RestrictionSerializer},
    )
    def post(self, request: Request, restriction_id: int) -> Response:
        """End a restriction now: by somebody who did not develop what it restricts."""
        body = LiftRequest.read(request.data)
        restriction = queries.restriction_with(restriction_id)
        lift_restriction(restriction, body["reason"], by=actor(request))
        answer = RestrictionSerializer(queries.restriction_with(restriction_id)).data
        return Response(answer, status=status.HTTP_201_CREATED)

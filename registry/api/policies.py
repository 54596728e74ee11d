"""`policies`: proposed here; adopted through a change request, by another person."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from registry import history, queries
from registry.actions.policies import propose_policy
from registry.api_base import AS_OF, as_of
from registry.models import Policy

FILTERS = ("kind", "name", "status")


class PolicySerializer(serializers.ModelSerializer[Policy]):
    proposed_by = serializers.CharField(source="proposed_by.username", read_only=True)
    approved_by = serializers.CharField(
        source="approved_by.username", read_only=True, allow_null=True
    )

    class Meta:
        model = Policy
        fields = (
            "id",
            "kind",
            "name",
            "version",
            "body",
            "sha256",
            "jurisdiction",
            "legal_basis",
            "rationale",
            "effective_from",
            "effective_to",
            "status",
            "proposed_by",
            "proposed_at",
            "approved_by",
            "approved_at",
        )


class PolicyRequest(StrictSerializer):
    kind = serializers.ChoiceField(choices=Policy.Kind.choices)
    name = serializers.SlugField(max_length=50)
    body = serializers.DictField()
    rationale = serializers.CharField()
    jurisdiction = serializers.CharField(max_length=50, default="", allow_blank=True)
    legal_basis = serializers.ListField(child=serializers.CharField(), default=list)
    effective_from = serializers.DateTimeField(default=None, allow_null=True)


class PoliciesView(ActView, generics.GenericAPIView[Policy]):
    read_permission = "registry.view_policy"
    queryset = Policy.objects.select_related("proposed_by", "approved_by")
    serializer_class = PolicySerializer

    @extend_schema(
        operation_id="policies_list",
        parameters=[*(OpenApiParameter(name, str) for name in FILTERS), AS_OF],
        responses=PolicySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Every version of every policy."""
        wanted = {
            name: request.query_params[name] for name in FILTERS if name in request.query_params
        }
        if at := as_of(request):
            page = self.paginate_queryset(_matching(history.policies_at(at), wanted))
        else:
            page = self.paginate_queryset(self.get_queryset().filter(**wanted))
        return self.get_paginated_response(PolicySerializer(page, many=True).data)

    @extend_schema(
        operation_id="policies_create", request=PolicyRequest, responses={201: PolicySerializer}
    )
    def post(self, request: Request) -> Response:
        """Propose the next version of a policy. It applies once a change request for it is granted."""
        fields = PolicyRequest.read(request.data)
        policy = propose_policy(
            fields.pop("kind"), fields.pop("name"), fields.pop("body"), by=actor(request), **fields
        )
        return Response(PolicySerializer(policy).data, status=status.HTTP_201_CREATED)


class PolicyView(ActView):
    read_permission = "registry.view_policy"

    @extend_schema(operation_id="policies_retrieve", parameters=[AS_OF], responses=PolicySerializer)
    def get(self, request: Request, policy_id: int) -> Response:
        """One version of a policy."""
        at = as_of(request)
        policy = history.policy_at(policy_id, at) if at else queries.policy_with(policy_id)
        return Response(PolicySerializer(policy).data)


def _matching(policies: list[Policy], wanted: dict[str, str]) -> list[Policy]:
    return [
        policy
        for policy in policies
        if all(getattr(policy, name) == value for name, value in wanted.items())
    ]

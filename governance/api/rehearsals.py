"""`policies/{id}/rehearsal`: what a policy would have said of versions and decisions of the past."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView
from audit.errors import FieldProblem, InvalidInput
from governance.queries.decision_rehearsals import blocked_decisions, rejudged
from governance.queries.rehearsals import rehearsals
from registry.models import Policy
from registry.moments import moment
from registry.queries import model_named, policy_with

PERIOD = ("since", "until")


class RehearsalSerializer(serializers.Serializer[Any]):
    """The latest gate report of one version under the policy, and under the one in force."""

    model = serializers.CharField(source="report.version.model.name")
    version = serializers.IntegerField(source="report.version.number")
    report = serializers.IntegerField(source="report.pk")
    measured_at = serializers.DateTimeField(source="report.measured_at")
    passes = serializers.BooleanField()
    blocked_by = serializers.ListField(child=serializers.CharField())
    not_measured = serializers.ListField(
        child=serializers.CharField(), help_text="Checks that the report does not hold."
    )
    policy_in_force = serializers.CharField(allow_null=True)
    passes_in_force = serializers.BooleanField(allow_null=True)
    blocked_in_force_by = serializers.ListField(child=serializers.CharField())


class RehearsalList(ActView):
    read_permission = "governance.view_gatereport"

    @extend_schema(
        operation_id="policies_rehearsal_list",
        parameters=[OpenApiParameter("model", str, description="Only versions of this model.")],
        responses=RehearsalSerializer(many=True),
    )
    def get(self, request: Request, policy_id: int) -> Response:
        """Which measured versions the gate policy would have blocked, and by which check."""
        name = request.query_params.get("model")
        model = model_named(name) if name else None
        found = rehearsals(policy_with(policy_id), timezone.now(), model)
        return Response(RehearsalSerializer(found, many=True).data)


class BlockedSerializer(serializers.Serializer[Any]):
    """Decisions of one month and outcome by a version that the gate policy would have blocked."""

    model = serializers.CharField()
    version = serializers.IntegerField()
    month = serializers.CharField(help_text="YYYY-MM, in UTC.")
    outcome = serializers.CharField()
    decisions = serializers.IntegerField()


class RejudgedRowSerializer(serializers.Serializer[Any]):
    """How many decisions had one outcome and would have the other."""

    before = serializers.CharField()
    after = serializers.CharField()
    decisions = serializers.IntegerField()


class RejudgedSerializer(serializers.Serializer[Any]):
    """A model's decisions judged again by a decision policy."""

    judged = serializers.IntegerField()
    changed = serializers.IntegerField()
    outcomes = RejudgedRowSerializer(many=True, source="rows")
    erased = serializers.IntegerField(help_text="Of erased persons: nothing is left to judge.")
    restricted = serializers.IntegerField(help_text="Of persons whose data may not be used now.")
    not_judged = serializers.IntegerField(
        help_text="Without a feature that a knock-out rule asks for."
    )


class DecisionRehearsalSerializer(serializers.Serializer[Any]):
    """One of the two, by the kind of the policy; the other is null."""

    kind = serializers.CharField()
    blocked = BlockedSerializer(many=True, allow_null=True)
    rejudged = RejudgedSerializer(allow_null=True)


class DecisionRehearsal(ActView):
    read_permission = "governance.view_gatereport"

    @extend_schema(
        operation_id="policies_rehearsal_decisions",
        parameters=[
            OpenApiParameter("model", str, description="Needed for a decision policy."),
            OpenApiParameter("since", str, description="Decisions from this time on (ISO 8601)."),
            OpenApiParameter("until", str, description="Decisions before this time (ISO 8601)."),
        ],
        responses=DecisionRehearsalSerializer,
    )
    def get(self, request: Request, policy_id: int) -> Response:
        """Which past decisions a gate policy would have kept from being made, or a decision policy decided otherwise."""
        asked = request.query_params
        policy = policy_with(policy_id)
        model = model_named(asked["model"]) if asked.get("model") else None
        period = [moment(asked[name], name) if asked.get(name) else None for name in PERIOD]
        blocked, judged = None, None
        if policy.kind == Policy.Kind.DECISION:
            if model is None:
                needed = FieldProblem(
                    "model", "missing", "Name the model whose decisions to judge again."
                )
                raise InvalidInput("A decision policy is rehearsed on one model.", errors=[needed])
            judged = rejudged(policy, model, *period)
        else:
            blocked = blocked_decisions(rehearsals(policy, timezone.now(), model), *period)
        found = {"kind": policy.kind, "blocked": blocked, "rejudged": judged}
        return Response(DecisionRehearsalSerializer(found).data)

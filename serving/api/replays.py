"""Judging decisions again over HTTP, and asking this very process for known answers."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.action import holds
from audit.api_base import ActView, actor
from audit.api_schema import refused
from registry.queries import model_named
from serving.actions.replays import replay_decision
from serving.answers import SEES_VALUES, replay_answer
from serving.asking import ask_champion
from serving.models import ReplayRun


class DifferenceSchema(serializers.Serializer[None]):
    field = serializers.CharField(
        help_text="Part of the record (entry, private, archive, judged), then where in it."
    )
    apart = serializers.FloatField(allow_null=True, help_text="How far two numbers lie apart.")
    recorded = serializers.JSONField(
        allow_null=True, help_text="Null for whoever may not see what applicants said."
    )
    found = serializers.JSONField(allow_null=True)


class ReplaySchema(serializers.Serializer[None]):
    decision_id = serializers.UUIDField()
    result = serializers.ChoiceField(["equal", "different", "impossible"])
    differences = DifferenceSchema(many=True)
    reason = serializers.CharField(help_text="Why it could not be judged again; else empty.")
    libraries = serializers.DictField()
    replayed_at = serializers.DateTimeField()
    entry_id = serializers.UUIDField()


class ReplayRunSerializer(serializers.ModelSerializer[ReplayRun]):
    class Meta:
        model = ReplayRun
        fields = (
            "id", "policy", "asked", "seed", "since", "until", "sampled", "equal", "different", "impossible", "erased", "restricted",
            "replayed_at",
        )  # fmt: skip


class ProbeAnswerSchema(serializers.Serializer[None]):
    model = serializers.CharField()
    version = serializers.IntegerField()
    probes = serializers.IntegerField(help_text="Number of the version's set of known answers.")
    applicants = serializers.IntegerField()
    differences = serializers.ListField(child=serializers.CharField())


class DecisionReplay(ActView):
    @extend_schema(
        operation_id="decision_replay",
        request=None,
        responses={
            201: ReplaySchema,
            403: refused("Judging again needs a role."),
            404: refused("There is no such decision."),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Judge the decision again from its record, by the artefact, baseline, policy and reason library of that day."""
        by = actor(request)
        replayed = replay_decision(decision_id, by=by)
        answer = replay_answer(replayed.row, replayed.differences, holds(by, SEES_VALUES))
        return Response(answer, status=201)


class ReplayRuns(ActView, generics.GenericAPIView[ReplayRun]):
    read_permission = "serving.view_replayrun"
    serializer_class = ReplayRunSerializer

    @extend_schema(operation_id="replay_runs", responses=ReplayRunSerializer(many=True))
    def get(self, request: Request, model: str) -> Response:
        """The nightly samples that were judged again, the newest first."""
        page = self.paginate_queryset(model_named(model).replay_runs.all())
        return self.get_paginated_response(ReplayRunSerializer(page, many=True).data)


class Probes(ActView):
    @extend_schema(
        operation_id="probes_ask",
        request=None,
        responses={
            200: ProbeAnswerSchema,
            403: refused("Asking needs a role."),
            404: refused("There is no such model."),
            409: refused("No known answers are kept yet."),
            503: refused("No version of the model may decide, or it does not load."),
        },
    )
    def post(self, request: Request, model: str) -> Response:
        """Ask the champion, in the process that answers this request, for its known answers."""
        answered = ask_champion(model, timezone.now(), by=actor(request))
        probes = answered.probes
        return Response(
            {
                "model": model,
                "version": probes.version.number,
                "probes": probes.number,
                "applicants": len(probes.answers),
                "differences": [one.field for one in answered.differences],
            }
        )

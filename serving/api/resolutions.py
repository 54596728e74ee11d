"""What people make of decisions over HTTP: resolutions, corrected data, and how often people override."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from audit.api_schema import refused
from audit.canonical import timestamp
from audit.errors import Refusal
from registry.queries import model_named
from serving.actions.corrections import correct_decision
from serving.actions.resolutions import PersonsWord, resolve_decision
from serving.answers import decision_answer
from serving.api import schemas
from serving.api.decisions import readable_decision
from serving.finals import Ruled
from serving.limits import admit
from serving.models import Decision, Resolution
from serving.overrides import SideFigures
from serving.queries import decision_with
from serving.receipts import Receipt, leaf_hash_text
from serving.resolutions import final_of, override_figures, resolutions_of

USUAL = timedelta(days=90)


class OwnReasonBody(StrictSerializer):
    reason_group = serializers.CharField(
        required=False, help_text="A group of the version's reason library; or a statement."
    )
    statement = serializers.CharField(
        required=False, help_text="A factor that you judged by, in words that the applicant reads."
    )


class OverridingBody(StrictSerializer):
    override_code = serializers.ChoiceField(
        choices=Resolution.OverrideCode.choices, required=False, allow_blank=True, default="",
        help_text="low_side approves what was declined, high_side declines what was approved; empty for a referred case.",
    )  # fmt: skip
    reasons = OwnReasonBody(many=True, required=False, default=list)
    rationale = serializers.CharField(allow_blank=True, required=False, default="")


class ResolutionBody(OverridingBody):
    outcome = serializers.ChoiceField(choices=Resolution.Outcome.choices)


class PersonsReasonSchema(schemas.ReasonSchema):
    component = serializers.ChoiceField(
        choices=["person", "score"], required=False, help_text="Whose reason it is."
    )


class ResolutionSchema(serializers.Serializer[None]):
    resolution_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Resolution.Kind.choices)
    outcome = serializers.ChoiceField(choices=Resolution.Outcome.choices)
    override_code = serializers.CharField(allow_blank=True)
    supersedes = serializers.UUIDField(allow_null=True)
    review = serializers.UUIDField(allow_null=True)
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField()
    receipt = schemas.ReceiptSchema()


class FinalSchema(serializers.Serializer[None]):
    """What stands of a decision, and what people decided about it, oldest first."""

    decision_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=["approved", "declined", "referred"])
    by = serializers.ChoiceField(choices=["score", "person"])
    decided_at = serializers.DateTimeField()
    reasons = PersonsReasonSchema(
        many=True, allow_null=True, help_text="Null where the person was erased."
    )
    resolutions = ResolutionSchema(many=True)


class CorrectionBody(StrictSerializer):
    features = serializers.DictField(
        child=serializers.JSONField(allow_null=True), help_text="The right value of each wrong one."
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, not where it comes from
        allow_blank=True, help_text="Where the right values come from."
    )


class CorrectionSchema(serializers.Serializer[None]):
    original = serializers.UUIDField(help_text="The decision that stays as it is.")
    corrected = serializers.ListField(child=serializers.CharField())
    decision = schemas.DecisionSchema()


class SideSchema(serializers.Serializer[None]):
    side = serializers.ChoiceField(choices=Resolution.OverrideCode.choices)
    decisions = serializers.IntegerField(help_text="Decisions by the score on this side.")
    overrides = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    state = serializers.ChoiceField(
        choices=["pass", "watch", "breach"],
        allow_null=True,
        help_text="Against the serving policy; null without one.",
    )
    by_officer = serializers.DictField(child=serializers.IntegerField())


class OverridesSchema(serializers.Serializer[None]):
    since = serializers.DateField()
    until = serializers.DateField()
    sides = SideSchema(many=True)


class PeriodQuery(StrictSerializer):
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        until = attrs.get("until") or timezone.now().date()
        since = attrs.get("since") or max(until, date.min + USUAL) - USUAL
        if until < since:
            raise serializers.ValidationError({"until": ["Must not lie before since."]})
        return {"since": since, "until": until}


PERIOD = [
    OpenApiParameter(name, date, description="Both days included, UTC. The last 90 days if left out.")
    for name in ("since", "until")
]  # fmt: skip


class DecisionResolution(ActView):
    """A person's final decision on a case."""

    @extend_schema(
        operation_id="resolve_decision",
        request=ResolutionBody,
        responses={
            201: FinalSchema,
            404: refused("There is no such decision."),
            409: refused("It stands so already, or a person decided it before."),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Decide a referred case, or override."""
        body = ResolutionBody.read(request.data)
        resolution = resolve_decision(decision_id, PersonsWord(**body), by=actor(request))
        return Response(_final(resolution.decision), status=201)

    @extend_schema(
        operation_id="decision_resolution",
        responses={
            200: FinalSchema,
            403: refused("Asked for by another client."),
            404: refused("There is no such decision."),
        },
    )
    def get(self, request: Request, decision_id: UUID) -> Response:
        """What stands, and why: for the client that asked, and who may see features."""
        return Response(_final(readable_decision(request, decision_id, "serving.view_observation")))


class DecisionCorrections(ActView):
    @extend_schema(
        operation_id="correct_decision",
        request=CorrectionBody,
        responses={
            201: CorrectionSchema,
            **schemas.DECIDING_REFUSALS,
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Have an application decided anew with corrected data. The decision before stays as it is."""
        said = CorrectionBody.read(request.data)
        model = decision_with(decision_id).model_name
        allowed = admit(actor(request), model, decisions=1, at=timezone.now())
        result = correct_decision(decision_id, said["features"], said["source"], by=actor(request))
        if isinstance(result, Refusal):
            raise result
        answer = decision_answer(decision_with(result.decision_id))
        return Response(
            {"original": str(decision_id), "corrected": result.features, "decision": answer},
            201,
            headers=allowed,
        )


class Overrides(ActView):
    read_permission = "serving.view_resolution"

    @extend_schema(operation_id="overrides", parameters=PERIOD, responses=OverridesSchema)
    def get(self, request: Request, model: str) -> Response:
        """How often people decide otherwise than the score, by side and officer."""
        period = period_of(request)
        sides = [_side(side) for side in override_figures(model_named(model), **period)]
        return Response({**period, "sides": sides})


def period_of(request: Request) -> dict[str, date]:
    return PeriodQuery.read(request.query_params.dict())


def _final(decision: Decision) -> dict[str, Any]:
    stands: Ruled = final_of(decision)
    return {
        "decision_id": str(decision.pk),
        "outcome": stands.outcome,
        "by": stands.by,
        "decided_at": timestamp(stands.decided_at),
        "reasons": None if stands.reasons is None else list(stands.reasons),
        "resolutions": [_resolution(row) for row in resolutions_of(decision)],
    }


def _resolution(row: Resolution) -> dict[str, Any]:
    receipt = Receipt(
        str(row.entry_id), leaf_hash_text(row.entry), row.key_id, bytes(row.signature)
    )
    return {
        "resolution_id": str(row.pk),
        "kind": row.kind,
        "outcome": row.outcome,
        "override_code": row.override_code,
        "supersedes": row.supersedes_id and str(row.supersedes_id),
        "review": row.review_id and str(row.review_id),
        "decided_by": row.decided_by.get_username(),
        "decided_at": timestamp(row.decided_at),
        "receipt": receipt.as_json(),
    }


def _side(side: SideFigures) -> dict[str, Any]:
    return {
        "side": side.side,
        "decisions": side.decisions,
        "overrides": side.overrides,
        "rate": side.rate,
        "state": side.state,
        "by_officer": dict(side.by_officer),
    }

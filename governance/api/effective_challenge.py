"""`effective-challenge`: how thoroughly changes were challenged in a period, as JSON and as CSV."""

import csv
import io
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, AnyAccept, StrictSerializer
from governance.effective_challenge import REVERSED_WITHIN, Measures, as_rows
from governance.queries.challenge import SEE, USUAL, measured_between


class PeriodQuery(StrictSerializer):
    start = serializers.DateField(required=False)
    end = serializers.DateField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end = attrs.get("end") or timezone.now().date()
        start = attrs.get("start") or end - USUAL
        if end < start:
            raise serializers.ValidationError({"end": ["Must not lie before the start."]})
        return {"start": start, "end": end}


class PartOpenedSerializer(serializers.Serializer[None]):
    part = serializers.CharField()
    decisions = serializers.IntegerField(help_text="Decisions for which it was available.")
    opened = serializers.IntegerField(help_text="Of them, whose maker had opened it before.")
    share = serializers.FloatField()


class TimeSerializer(serializers.Serializer[None]):
    time = serializers.CharField()
    n = serializers.IntegerField()


class MeasuresSerializer(serializers.Serializer[Any]):
    """One person's decisions; everybody's where `approver` is null."""

    approver = serializers.CharField(allow_null=True)
    decided = serializers.IntegerField()
    approved = serializers.IntegerField()
    rejected = serializers.IntegerField()
    rejection_share = serializers.FloatField(allow_null=True)
    with_conditions = serializers.IntegerField()
    seconds = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="Quartiles of the time from first opening evidence to deciding, breaks included.",
    )
    times = TimeSerializer(many=True)
    parts = PartOpenedSerializer(many=True)
    took_effect = serializers.IntegerField(help_text="Approvals that moved a version.")
    reversals = serializers.DictField(child=serializers.IntegerField())
    reversal_share = serializers.FloatField(allow_null=True)
    watched = serializers.IntegerField(help_text="Not reversed, and the time for it runs.")


class EffectiveChallengeSerializer(serializers.Serializer[Any]):
    start = serializers.DateField()
    end = serializers.DateField(help_text="Inclusive.")
    reversed_within_days = serializers.IntegerField()
    measures = MeasuresSerializer(many=True)


PERIOD = [
    OpenApiParameter("start", OpenApiTypes.DATE, description="By default 90 days before the end."),
    OpenApiParameter("end", OpenApiTypes.DATE, description="Inclusive; by default today."),
]


class EffectiveChallengeDetail(ActView):
    read_permission = SEE

    @extend_schema(
        operation_id="effective_challenge_retrieve",
        parameters=PERIOD,
        responses=EffectiveChallengeSerializer,
    )
    def get(self, request: Request) -> Response:
        """Time to decide, evidence opened, conditions and reversals: of everybody first, then of each person."""
        period = period_of(request.query_params)
        found = measured_between(**period, now=timezone.now())
        document = {
            **period,
            "reversed_within_days": REVERSED_WITHIN.days,
            "measures": [_document(each) for each in found],
        }
        return Response(EffectiveChallengeSerializer(document).data)


class EffectiveChallengeFile(ActView):
    read_permission = SEE
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="effective_challenge_file",
        parameters=PERIOD,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """The same as a table, one line per person."""
        period = period_of(request.query_params)
        text = io.StringIO()
        csv.writer(text).writerows(as_rows(measured_between(**period, now=timezone.now())))
        name = f"effective-challenge-{period['start']}-{period['end']}.csv"
        return HttpResponse(
            text.getvalue(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def period_of(given: Any) -> dict[str, date]:
    """Raises ValidationError."""
    return PeriodQuery.read({name: given[name] for name in given if given[name]})


def _document(each: Measures) -> dict[str, Any]:
    return {
        "approver": each.approver or None,
        "decided": each.decided,
        "approved": each.approved,
        "rejected": each.rejected,
        "rejection_share": each.rejection_share,
        "with_conditions": each.with_conditions,
        "seconds": each.seconds,
        "times": [{"time": label, "n": n} for label, n in each.times],
        "parts": each.parts,
        "took_effect": each.took_effect,
        "reversals": each.reversals,
        "reversal_share": each.reversal_share,
        "watched": each.watched,
    }

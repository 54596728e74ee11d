"""Outcomes over HTTP: how decided applications turned out."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, actor, json_object
from audit.bodies import LARGEST_BATCH, LARGEST_SINGLE
from audit.canonical import plain
from audit.errors import Refusal
from serving.actions.outcomes import record_outcome, record_outcomes
from serving.answers import refusal_answer
from serving.api import schemas
from serving.api.decisions import listed
from serving.models import Outcome
from serving.outcome_reports import MEMBERS


class DecisionLabel(ActView):
    """How one decided application turned out."""

    @extend_schema(
        operation_id="label_decision",
        request=schemas.LabelSchema,
        responses={201: schemas.LabelOfDecisionSchema},
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        document = json_object(request, LARGEST_SINGLE)
        outcome = record_outcome(document | {"decision_id": str(decision_id)}, by=actor(request))
        return Response(_label(outcome), status=201)


class Labels(ActView):
    """How many decided applications turned out, up to 10,000 at once."""

    @extend_schema(
        operation_id="label_decisions",
        request=schemas.LabelsSchema,
        responses={200: schemas.LabelResultSchema},
    )
    def post(self, request: Request) -> Response:
        labels = listed(json_object(request, LARGEST_BATCH), "labels")
        rows = [_row(result) for result in record_outcomes(labels, by=actor(request))]
        recorded = sum("label" in row for row in rows)
        return Response({"recorded": recorded, "refused": len(rows) - recorded, "results": rows})


def _row(result: Outcome | Refusal) -> dict[str, Any]:
    if isinstance(result, Refusal):
        return {"problem": refusal_answer(result)}
    return {"label": _label(result)}


def _label(outcome: Outcome) -> dict[str, Any]:
    return {name: plain(getattr(outcome, name)) for name in MEMBERS}

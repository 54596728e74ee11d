"""Proofs over HTTP."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, AnyAccept
from audit.api_schema import refused
from audit.problems import CONTENT_TYPE, refusal_body
from audit.proofs import proof_for
from audit.sequencer import NotYetSealed
from serving.api.decisions import readable_decision

ASK_AGAIN = {"Retry-After": "1"}  # seconds: a seal is due within one


class DecisionProof(ActView):
    """That the decision's entry is in the log, for an offline verifier."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="decision_proof",
        responses={
            (200, "text/plain"): OpenApiTypes.STR,
            202: OpenApiResponse(description="Not sealed yet: ask again after Retry-After."),
            403: refused("Asked for by another client."),
            404: refused("There is no such decision."),
        },
    )
    def get(self, request: Request, decision_id: UUID) -> HttpResponse | Response:
        decision = readable_decision(request, decision_id, "serving.view_decision")
        try:
            proof = proof_for(decision.entry_id)
        except NotYetSealed as waiting:
            body = refusal_body(waiting)
            return Response(body, waiting.status, headers=ASK_AGAIN, content_type=CONTENT_TYPE)
        return HttpResponse(proof, content_type="text/plain; charset=utf-8")

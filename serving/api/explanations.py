"""Explanations of decisions over HTTP: the facts from the record, and the letters that were issued."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import (
    DOCUMENT_FORMATS,
    ActView,
    AnyAccept,
    StrictSerializer,
    actor,
    page_answer,
    pdf_answer,
)
from audit.api_schema import refused
from audit.canonical import timestamp
from serving import queries
from serving.actions.letters import OF_OTHERS
from serving.api import letter_schemas
from serving.api.decisions import readable_decision
from serving.letters.composing import facts_of
from serving.letters.issuing import issue, opened
from serving.models import Decision, ExplanationLetter

REFUSALS = {
    403: refused("Asked for by another client, or the role may not do this."),
    404: refused("There is no such decision, or no letter about it was issued."),
    409: refused("No policy says what a letter holds, or the record moved on meanwhile."),
    410: refused("The person was erased."),
    422: refused("Fields are wrong; `errors` names every one of them."),
    503: refused("The version that decided cannot be loaded."),
}


class LetterBody(StrictSerializer):
    language = serializers.CharField(max_length=20, help_text="One that the policy has texts in.")


class ExplanationQuery(serializers.Serializer[None]):
    """As what, and of letters in which language."""

    format = serializers.ChoiceField(choices=DOCUMENT_FORMATS, default="json")
    language = serializers.CharField(max_length=20, required=False, default=None)


class DecisionExplanation(ActView):
    """What a decision rested on, and the letter that says so to the applicant."""

    content_negotiation_class = AnyAccept  # the view itself answers `?format=`

    @extend_schema(
        operation_id="decision_explanation",
        parameters=[
            OpenApiParameter("format", str, enum=DOCUMENT_FORMATS, description="json unless given."),
            OpenApiParameter("language", str, description="Of a letter; the newest in any, unless given."),
        ],
        responses={
            (200, "application/json"): letter_schemas.ExplanationFactsSchema,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            **REFUSALS,
        },
    )  # fmt: skip
    def get(self, request: Request, decision_id: UUID) -> HttpResponseBase:
        """The facts, composed from the record; or the newest letter that was issued, as it was issued."""
        asked = ExplanationQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        decision = readable_decision(request, decision_id, OF_OTHERS)
        wanted = asked.validated_data
        if wanted["format"] == "json":
            letters = [_letter(letter) for letter in queries.letters_about(decision)]
            return Response(facts_of(decision, timezone.now()) | {"letters": letters})
        return _issued(decision, wanted["format"], wanted["language"])

    @extend_schema(
        operation_id="issue_explanation",
        request=LetterBody,
        responses={201: letter_schemas.LetterSchema, **REFUSALS, 409: refused("The record moved on meanwhile; ask again.")},
    )  # fmt: skip
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Issue the letter of explanation: from then on it is kept as it was issued."""
        body = LetterBody.read(request.data)
        return Response(
            _letter(issue(decision_id, body["language"], by=actor(request))),
            status=201,
        )


def _issued(decision: Decision, format_: str, language: str | None) -> HttpResponse:
    letter = queries.newest_letter(decision, language)
    issued = opened(letter)
    if format_ == "html":
        return page_answer(issued.html)
    return pdf_answer(issued.pdf, f"explanation-{decision.pk}-{letter.pk}.pdf")


def _letter(letter: ExplanationLetter) -> dict[str, Any]:
    return {
        "letter_id": str(letter.pk),
        "decision_id": str(letter.decision_id),
        "language": letter.language,
        "issued_at": timestamp(letter.issued_at),
        "sealed_sha256": letter.sealed_sha256,
        "entry_id": str(letter.entry_id),
    }

"""Deciding over HTTP, and reading decisions back."""

from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit.action import require
from audit.api_base import ActView, actor, media_type_of, raw_body, unread_body
from audit.api_schema import refused
from audit.bodies import LARGEST_BATCH, LARGEST_SINGLE, LARGEST_STREAM, parsed_object
from audit.errors import FieldProblem, Refusal
from serving import queries, streaming
from serving.answers import decision_answer
from serving.api import schemas
from serving.chunks import answered
from serving.errors import InvalidApplication
from serving.idempotency import HEADER, REPLAYED_HEADER, read_key
from serving.limits import admit
from serving.models import Decision, IdempotencyRecord
from serving.together import decide_among_others

REPLAYED = {REPLAYED_HEADER: "true"}


class QuickJSON(JSONRenderer):
    """The same JSON from a faster encoder, for what is answered most. Numbers that JSON has no word for are null."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return msgspec.json.encode(data, enc_hook=str)  # kinds of text of Django's own


class Decisions(ActView):
    """Decide one application."""

    renderer_classes = (QuickJSON,)

    @extend_schema(
        operation_id="decide",
        request=schemas.ApplicationSchema,
        parameters=[schemas.KEY_PARAMETER, schemas.VERSION_PARAMETER],
        responses={
            201: schemas.DecisionSchema,
            200: OpenApiResponse(schemas.DecisionSchema, description="Decided before, same key."),
            **schemas.DECIDING_REFUSALS,
        },
        examples=[schemas.REQUEST_EXAMPLE, schemas.DECISION_EXAMPLE],
    )
    def post(self, request: Request, model: str) -> Response:
        body = raw_body(request, LARGEST_SINGLE)
        document = parsed_object(body, LARGEST_SINGLE)
        key = read_key(request.headers.get(HEADER), request.get_full_path(), body)
        allowed = admit(actor(request), model, decisions=1, at=timezone.now())
        known = key and _known(request, key.key, key.body_sha256)
        if known and known.decision:
            return Response(decision_answer(known.decision), headers=REPLAYED | allowed)
        result = decide_among_others(
            model, document, by=actor(request), number=_version(request), key=key
        )
        if isinstance(result, Refusal):
            raise result
        return Response(decision_answer(result), status=201, headers=allowed)


class NDJSONRenderer(JSONRenderer):
    """For callers who accept nothing but NDJSON: a whole answer, such as a refusal, is one line of it."""

    media_type = streaming.MEDIA_TYPE
    format = "ndjson"


class DecisionBatches(ActView):
    """Decide up to 10,000 applications at once as JSON, or as many as come as NDJSON."""

    renderer_classes = (QuickJSON, NDJSONRenderer)

    @extend_schema(
        operation_id="decide_batch",
        description=(
            "Up to 10,000 applications as JSON, in one transaction. Or any number as NDJSON: one application a line, and one "
            "answer a line in the same order, each a row of `results` as in JSON; every 500 are committed before their answers are sent."
        ),
        request={
            "application/json": schemas.BatchSchema,
            streaming.MEDIA_TYPE: OpenApiTypes.STR,
        },
        parameters=[schemas.KEY_PARAMETER],
        responses={
            (200, "application/json"): schemas.BatchResultSchema,
            (200, streaming.MEDIA_TYPE): OpenApiTypes.STR,
            **schemas.DECIDING_REFUSALS,
        },
    )
    def post(self, request: Request, model: str) -> Response | StreamingHttpResponse:
        if media_type_of(request) == streaming.MEDIA_TYPE:
            return _streamed(request, model)
        body = raw_body(request, LARGEST_BATCH)
        applications = listed(parsed_object(body, LARGEST_BATCH), "applications")
        key = read_key(request.headers.get(HEADER), request.get_full_path(), body)
        allowed = admit(actor(request), model, decisions=len(applications), at=timezone.now())
        rows, replayed = answered(model, applications, by=actor(request), key=key)
        return Response(_batch_answer(rows), headers=(REPLAYED if replayed else {}) | allowed)


class DecisionDetail(ActView):
    """One decision, made again from the record: for the client that asked, and who may see features."""

    @extend_schema(
        operation_id="decision",
        responses={
            200: schemas.DecisionSchema,
            403: refused("Asked for by another client."),
            404: refused("There is no such decision."),
            410: refused("The person was erased."),
        },
        examples=[schemas.DECISION_EXAMPLE],
    )
    def get(self, request: Request, decision_id: UUID) -> Response:
        return Response(
            decision_answer(readable_decision(request, decision_id, "serving.view_observation"))
        )


def listed(document: dict[str, Any], name: str) -> list[Any]:
    """The list that a batch's body consists of. Raises InvalidApplication."""
    rows = document.get(name)
    if set(document) != {name} or not isinstance(rows, list):
        problem = FieldProblem(name, "wrong_type", "Must be a list, and the only member.")
        raise InvalidApplication(f"A batch is an object with one list, {name}.", errors=[problem])
    return rows


def _streamed(request: Request, model: str) -> StreamingHttpResponse:
    key = read_key(request.headers.get(HEADER), request.get_full_path(), b"")
    body = streaming.taken_in(unread_body(request, LARGEST_STREAM))
    answers = streaming.answers_to(model, body, by=actor(request), key=key)
    first = next(answers)  # what refuses everything is said while there is a status to say it with
    return StreamingHttpResponse(chain([first], answers), content_type=streaming.MEDIA_TYPE)


def _version(request: Request) -> int | None:
    text = request.query_params.get("version")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        problem = FieldProblem("version", "wrong_type", "Must be the number of a version.")
        raise InvalidApplication("The version asked for is not a number.", errors=[problem])
    return int(text)


def _known(request: Request, key: str, body_sha256: str) -> IdempotencyRecord | None:
    client = actor(request)
    known = queries.answer_to(client, key, body_sha256)
    if known:  # otherwise the act asks
        require(client, "serving.decide")
    return known


def readable_decision(request: Request, decision_id: UUID, others: str) -> Decision:
    """A decision that the reader asked for itself, or any where the reader holds `others`.

    Raises NoSuchDecision or NotPermitted.
    """
    reader = actor(request)
    decision = queries.decision_with(decision_id)
    require(reader, "serving.decide" if decision.client_id == reader.pk else others)
    return decision


def _batch_answer(rows: list[dict[str, Any]]) -> dict[str, Any]:
    decided = sum("decision" in row for row in rows)
    return {"decided": decided, "refused": len(rows) - decided, "results": rows}

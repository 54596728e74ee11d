"""Notices over HTTP: issuing them, reading them, recording that they were sent, and what is due."""

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.action import holds, require
from audit.api_base import (
    DOCUMENT_FORMATS,
    ActView,
    AnyAccept,
    actor,
    json_object,
    page_answer,
    pdf_answer,
)
from audit.api_schema import refused
from audit.bodies import LARGEST_SINGLE
from audit.canonical import timestamp
from serving.actions.notices import issue_notice, record_delivery
from serving.api import schemas
from serving.api.decisions import readable_decision
from serving.models import ApplicationNotice, Decision, Notice
from serving.notices import due
from serving.notices.reading import delivery_answer, document_of, issued_notice, notice_answer

FORMAT = OpenApiParameter("format", str, enum=DOCUMENT_FORMATS, description="json unless given.")


class FormatQuery(serializers.Serializer[None]):
    """As what a notice is wanted."""

    format = serializers.ChoiceField(choices=DOCUMENT_FORMATS, default="json")


def format_wanted(request: Request) -> str:
    asked = FormatQuery(data=request.query_params)
    asked.is_valid(raise_exception=True)
    wanted: str = asked.validated_data["format"]
    return wanted


def rendered(notice: Notice | ApplicationNotice, wanted: str, filename: str) -> HttpResponseBase:
    """The notice as a page or as a PDF."""
    document = document_of(notice)
    from serving.notices import rendering  # brings typst, which only documents need

    if wanted == "html":
        return page_answer(rendering.notice_page(document))
    return pdf_answer(rendering.notice_pdf(document, notice.issued_at), filename)


class DecisionNotice(ActView):
    """The notice of one decision: for the client that asked for the decision, and who may see what applicants said."""

    content_negotiation_class = AnyAccept  # the view itself answers `?format=`

    @extend_schema(
        operation_id="notice",
        parameters=[FORMAT],
        responses={
            (200, "application/json"): schemas.NoticeSchema,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
            400: refused("There is no such format."),
            403: refused("Asked for by another client."),
            404: refused("There is no such decision, or its notice was not issued yet."),
            410: refused("The person was erased."),
            503: refused("What is kept is not what was issued, or does not open."),
        },
    )
    def get(self, request: Request, decision_id: UUID) -> HttpResponseBase:
        """The notice as it was issued. The applicant's name and address are not known here: the bank fills them in."""
        wanted = format_wanted(request)
        notice = issued_notice(readable_decision(request, decision_id, "serving.view_observation"))
        if wanted == "json":
            return Response(notice_answer(notice))
        return rendered(notice, wanted, f"notice-{decision_id}.pdf")

    @extend_schema(
        operation_id="issue_notice",
        request=None,
        responses={
            201: schemas.NoticeSchema,
            403: refused("Asked for by another client, or the role may not do this."),
            404: refused("There is no such decision."),
            409: refused(
                "Approved, referred, issued before, or no notice policy fits the decision."
            ),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Compose the notice of a declined application by the approved texts of today, and keep it."""
        return Response(notice_answer(issue_notice(decision_id, by=actor(request))), status=201)


class NoticeDeliveries(ActView):
    @extend_schema(
        operation_id="record_delivery",
        request=schemas.DeliveryBodySchema,
        responses={
            201: schemas.DeliverySchema,
            404: refused("There is no such decision, or its notice was not issued yet."),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Record that the bank sent the notice: from then on nothing is due."""
        body = json_object(request, LARGEST_SINGLE)
        delivery = record_delivery(decision_id, body, by=actor(request))
        return Response(delivery_answer(delivery), status=201)


class DueNotices(ActView, generics.GenericAPIView[Decision]):
    """Decisions whose applicants are still to be told: a client's own, or all for who may see decisions."""

    @extend_schema(operation_id="notices_due", responses=schemas.DueNoticeSchema(many=True))
    def get(self, request: Request) -> Response:
        """The soonest due first. Nothing is due where no notice policy is in force."""
        reader, now = actor(request), timezone.now()
        texts = due.texts_in_force(now)
        waiting = due.with_offer_issued(due.waiting_decisions(texts, now)).select_related("notice")
        if not holds(reader, "serving.view_decision"):
            require(reader, "serving.decide")
            waiting = waiting.filter(client=reader)
        page = self.paginate_queryset(waiting) or []
        return self.get_paginated_response([_due(row, texts, now) for row in page])


def _due(row: Any, texts: Any, now: Any) -> dict[str, Any]:
    clock = due.running(row, texts[row.model_name])
    return {
        "decision_id": str(row.pk),
        "model": row.model_name,
        "outcome": row.outcome,
        "is_issued": hasattr(row, "notice") or row.offer_issued,
        "basis": clock.basis,
        "starts_at": timestamp(clock.started_at),
        "due_at": timestamp(clock.due_at),
        "legal_basis": clock.clock.legal_basis,
        "state": clock.state(now),
        "alert_day": clock.alert_day(now),
    }

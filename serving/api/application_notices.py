"""Notices of counteroffers and of what applications lack, over HTTP."""

from uuid import UUID

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.action import require
from audit.api_base import ActView, AnyAccept, actor, json_object
from audit.api_schema import refused
from audit.bodies import LARGEST_SINGLE
from serving.actions.application_notices import (
    issue_application_notice,
    record_application_delivery,
)
from serving.api import schemas
from serving.api.notices import FORMAT, format_wanted, rendered
from serving.models import ApplicationNotice
from serving.notices import telling
from serving.notices.reading import application_notice_answer, delivery_answer

REPORTS = "serving.record_status"
READ = {
    (200, "application/json"): schemas.ApplicationNoticeSchema,
    (200, "text/html"): OpenApiTypes.STR,
    (200, "application/pdf"): OpenApiTypes.BINARY,
    400: refused("There is no such format."),
    404: refused("There is no such notice, or none was issued yet."),
    410: refused("The person was erased."),
    503: refused("What is kept is not what was issued, or does not open."),
}


class NoticeOfApplication(ActView):
    """The notice about one of the caller's own applications: a counteroffer, or what it lacks."""

    content_negotiation_class = AnyAccept  # the view itself answers `?format=`

    @extend_schema(operation_id="application_notice", parameters=[FORMAT], responses=READ)
    def get(self, request: Request, application_ref: str) -> HttpResponseBase:
        """The newest notice about the application as it was issued. The bank fills in the applicant's name and address."""
        wanted, reader = format_wanted(request), actor(request)
        require(reader, REPORTS)
        return _answer(telling.newest_notice(application_ref, reader), wanted)

    @extend_schema(
        operation_id="issue_application_notice",
        request=None,
        responses={
            201: schemas.ApplicationNoticeSchema,
            404: refused("Neither a counteroffer nor anything missing was reported of it."),
            409: refused(
                "Issued before, ended, decided meanwhile, approved before an offer, no terms were reported, or no notice policy has words for it."
            ),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, application_ref: str) -> Response:
        """Compose the notice of the newest counteroffer or incompleteness by the approved texts of today, and keep it."""
        by = actor(request)
        require(by, REPORTS)
        status = telling.status_to_tell_of(application_ref, by)
        notice = issue_application_notice(status.pk, by=by)
        return Response(application_notice_answer(notice), status=201)


class ApplicationNoticeDeliveries(ActView):
    @extend_schema(
        operation_id="record_application_delivery",
        request=schemas.ApplicationDeliveryBodySchema,
        responses={
            201: schemas.DeliverySchema,
            404: refused("No notice about an application by that reference was issued yet."),
            409: refused("The notice that the body names is not the newest one."),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, application_ref: str) -> Response:
        """Record that the bank sent the newest notice about the application. Say which one that is: another may be newer."""
        by, body = actor(request), json_object(request, LARGEST_SINGLE)
        require(by, REPORTS)
        notice = telling.newest_meant(application_ref, by, body.pop("notice_id", None))
        delivery = record_application_delivery(notice.status_id, body, by=by)
        return Response(delivery_answer(delivery), status=201)


class StatusNotice(ActView):
    """The notice of one status: for the client that reported it, and who may see what applicants said."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="status_notice",
        parameters=[FORMAT],
        responses={**READ, 403: refused("Reported by another client.")},
    )
    def get(self, request: Request, status_id: UUID) -> HttpResponseBase:
        """The notice as it was issued."""
        wanted, reader = format_wanted(request), actor(request)
        notice = telling.notice_of_status(status_id)
        own = notice.status.client_id == reader.pk
        require(reader, REPORTS if own else "serving.view_observation")
        return _answer(notice, wanted)


class StatusNoticeDeliveries(ActView):
    @extend_schema(
        operation_id="record_status_delivery",
        request=schemas.DeliveryBodySchema,
        responses={
            201: schemas.DeliverySchema,
            403: refused("Reported by another client, or the role may not do this."),
            404: refused("There is no such status, or its notice was not issued yet."),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, status_id: UUID) -> Response:
        """Record that the bank sent the notice of this status, whatever was issued since."""
        body = json_object(request, LARGEST_SINGLE)
        delivery = record_application_delivery(status_id, body, by=actor(request))
        return Response(delivery_answer(delivery), status=201)


def _answer(notice: ApplicationNotice, wanted: str) -> HttpResponseBase:
    if wanted == "json":
        return Response(application_notice_answer(notice))
    return rendered(notice, wanted, f"notice-{notice.pk}.pdf")

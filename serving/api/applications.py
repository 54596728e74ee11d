"""What becomes of applications, over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, actor, json_object
from audit.api_schema import refused
from audit.bodies import LARGEST_SINGLE
from audit.canonical import timestamp
from serving.actions.applications import record_status
from serving.api import schemas


class ApplicationStatuses(ActView):
    @extend_schema(
        operation_id="record_status",
        request=schemas.StatusBodySchema,
        responses={
            201: schemas.StatusSchema,
            404: refused("There is no such model."),
            409: refused("The application ended before."),
            410: refused("The person was erased."),
        },
    )
    def post(self, request: Request, application_ref: str) -> Response:
        """Record that one of the caller's applications is incomplete, was withdrawn, or got a counteroffer."""
        body = json_object(request, LARGEST_SINGLE)
        status = record_status(application_ref, body, by=actor(request))
        return Response(
            {
                "status_id": str(status.pk),
                "status": status.status,
                "at": timestamp(status.at),
                "respond_by": None if status.respond_by is None else str(status.respond_by),
                "recorded_at": timestamp(status.recorded_at),
            },
            status=201,
        )

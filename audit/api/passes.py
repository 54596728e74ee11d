"""Archiving and verifying the whole log over HTTP: asked for here, carried out by a worker."""

from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.actions.passes import NoSuchPass, request_archiving, request_verification
from audit.api_base import ActView, actor
from audit.models import LogPass


class LogPassSerializer(serializers.ModelSerializer[LogPass]):
    class Meta:
        model = LogPass
        fields = ("id", "kind", "state", "requested_by", "requested_at", "finished_at", "summary")


class Archivings(ActView):
    """Copy the sealed log to the archive."""

    @extend_schema(operation_id="archive_log", request=None, responses={202: LogPassSerializer})
    def post(self, request: Request) -> Response:
        return _accepted(request_archiving(by=actor(request)))


class Verifications(ActView):
    """Verify the whole log against database and archive."""

    @extend_schema(operation_id="verify_log", request=None, responses={202: LogPassSerializer})
    def post(self, request: Request) -> Response:
        return _accepted(request_verification(by=actor(request)))


class PassDetail(ActView):
    """What came of one pass."""

    read_permission = "audit.view_checkpoint"

    @extend_schema(operation_id="log_pass", responses={200: LogPassSerializer})
    def get(self, request: Request, pass_id: UUID) -> Response:
        log_pass = LogPass.objects.filter(pk=pass_id).first()
        if log_pass is None:
            raise NoSuchPass(f"There is no pass {pass_id}.")
        return Response(LogPassSerializer(log_pass).data)


def _accepted(log_pass: LogPass) -> Response:
    location = reverse("log-pass", args=[log_pass.pk])
    return Response(LogPassSerializer(log_pass).data, status=202, headers={"Location": location})

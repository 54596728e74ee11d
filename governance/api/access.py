"""`subject-access-requests`: a copy of what is held about a person, for them."""

from typing import Any
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, AnyAccept, actor
from audit.errors import NotStored
from audit.person_requests import PersonRequest
from governance.access.package import package_path
from governance.actions.access import record_access_taken, request_access
from governance.api.erasures import ErasureBody
from governance.models import AccessRequest
from governance.queries.access import access_request_with, access_requests


class AccessSerializer(serializers.ModelSerializer[AccessRequest]):
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)
    file = serializers.SerializerMethodField(help_text="Where to download it, once available.")

    class Meta:
        model = AccessRequest
        fields = (
            "id", "correspondence", "subject_id", "identity_check", "received_on", "due_on", "requested_by", "state",
            "built_at", "expires_at", "sha256", "size", "note", "file",
        )  # fmt: skip

    def get_file(self, request: AccessRequest) -> str | None:
        available = request.state == AccessRequest.State.AVAILABLE
        return reverse("access-file", args=[request.pk]) if available else None


class AccessList(ActView, generics.GenericAPIView[AccessRequest]):
    read_permission = "governance.view_accessrequest"
    serializer_class = AccessSerializer

    @extend_schema(operation_id="access_requests_list", responses=AccessSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Access requests, the newest first."""
        page = self.paginate_queryset(access_requests())
        return self.get_paginated_response(AccessSerializer(page, many=True).data)

    @extend_schema(
        operation_id="access_requests_create",
        request=ErasureBody,
        responses={202: AccessSerializer},
    )
    def post(self, request: Request) -> Response:
        """Record a request; a worker makes the copy. The reference is looked up and kept nowhere."""
        body = ErasureBody.read(request.data)
        asked = request_access(PersonRequest(**body), by=actor(request))
        location = reverse("access", args=[asked.pk])
        answer: Any = AccessSerializer(asked).data
        return Response(answer, status.HTTP_202_ACCEPTED, headers={"Location": location})


class AccessDetail(ActView):
    read_permission = "governance.view_accessrequest"

    @extend_schema(operation_id="access_requests_retrieve", responses=AccessSerializer)
    def get(self, request: Request, request_id: UUID) -> Response:
        """One access request."""
        return Response(AccessSerializer(access_request_with(request_id)).data)


class AccessFile(ActView):
    """The copy, a zip: who takes it is recorded."""

    read_permission = "governance.request_access"
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="access_requests_file",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, request_id: UUID) -> HttpResponseBase:
        asked = record_access_taken(request_id, by=actor(request))
        try:
            file = package_path(asked).open("rb")
        except FileNotFoundError:
            raise NotStored(f"The file of {request_id} is gone. Record a new request.") from None
        name = f"access-{asked.pk}.zip"
        return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")

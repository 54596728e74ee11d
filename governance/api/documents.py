"""`documents`: what is generated from the record about a version, and who approved it."""

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
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
from governance.actions.documents import approve_document
from governance.document_drafts import generate
from governance.documents.composing import kind_named
from governance.documents.kinds import Kind
from governance.documents.standing import overtaken
from governance.models import Document
from governance.queries.documents import document_of, document_with, documents_of, page_of, pdf_of
from registry.models import ModelVersion
from registry.queries import model_named, version_numbered


class DocumentSerializer(serializers.ModelSerializer[Document]):
    model = serializers.CharField(source="version.model.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    generated_by = serializers.CharField(source="generated_by.username", read_only=True)
    is_stale = serializers.SerializerMethodField(
        help_text="The record has moved on since: a new one would say something else."
    )
    approved_by = serializers.CharField(
        source="approval.approver.username", read_only=True, default=None, allow_null=True
    )
    approved_at = serializers.DateTimeField(
        source="approval.approved_at", read_only=True, default=None, allow_null=True
    )
    approval_rationale = serializers.CharField(
        source="approval.rationale", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Document
        fields = (
            "id", "model", "version", "kind", "number", "as_of", "is_stale", "sha256", "content_sha256", "html_sha256",
            "pdf_sha256", "renderer", "key_id", "signature", "generated_by", "generated_at", "entry", "approved_by",
            "approved_at", "approval_rationale",
        )  # fmt: skip

    def get_is_stale(self, document: Document) -> bool:
        stale: set[UUID] = self.context["stale"]
        return document.pk in stale


class DocumentBody(StrictSerializer):
    kind = serializers.CharField(help_text=f"One of {', '.join(Kind)}.")


class DocumentApprovalBody(StrictSerializer):
    number = serializers.IntegerField(min_value=1, help_text="Which one was read, by its number.")
    rationale = serializers.CharField(allow_blank=True)


class DocumentQuery(serializers.Serializer[None]):
    """Which document, and as what."""

    format = serializers.ChoiceField(choices=DOCUMENT_FORMATS, default="json")
    number = serializers.IntegerField(min_value=1, required=False, default=None)


class DocumentList(ActView, generics.GenericAPIView[Document]):
    read_permission = "governance.view_document"
    serializer_class = DocumentSerializer

    @extend_schema(operation_id="documents_list", responses=DocumentSerializer(many=True))
    def get(self, request: Request, model: str, number: int) -> Response:
        """The documents about a version, the newest first."""
        page = self.paginate_queryset(documents_of(_version(model, number)))
        return self.get_paginated_response(_shown(page or []))

    @extend_schema(
        operation_id="documents_create", request=DocumentBody, responses={201: DocumentSerializer}
    )
    def post(self, request: Request, model: str, number: int) -> Response:
        """Generate a document from the record as it is now."""
        body = DocumentBody.read(request.data)
        kind = kind_named(body["kind"])
        made = generate(_version(model, number), kind, by=actor(request))
        return Response(_one(made.pk), status.HTTP_201_CREATED)


class DocumentDetail(ActView):
    read_permission = "governance.view_document"
    content_negotiation_class = AnyAccept  # the view itself answers `?format=`

    @extend_schema(
        operation_id="documents_retrieve",
        parameters=[
            OpenApiParameter(
                "format", str, enum=DOCUMENT_FORMATS, description="json unless given."
            ),
            OpenApiParameter("number", int, description="A document other than the newest."),
        ],
        responses={
            (200, "application/json"): DocumentSerializer,
            (200, "text/html"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, model: str, number: int, kind: str) -> HttpResponseBase:
        """The newest document of that kind: what is known of it, its page or its PDF. Documents that compare
        protected groups are opened by those alone who may see fairness reports."""
        asked = DocumentQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        version = _version(model, number)
        document = document_of(version, kind_named(kind), wanted["number"])
        match wanted["format"]:
            case "html":
                return page_answer(page_of(document, reader=actor(request)))
            case "pdf":
                name = f"{model}-{number}-{kind}-{document.number}.pdf"
                return pdf_answer(pdf_of(document, reader=actor(request)), name)
            case _:
                return Response(_one(document.pk))


class DocumentApprovals(ActView):
    @extend_schema(
        operation_id="documents_approve",
        request=DocumentApprovalBody,
        responses={201: DocumentSerializer},
    )
    def post(self, request: Request, model: str, number: int, kind: str) -> Response:
        """Approve a document that one has read. Open change requests that rest on other documents are voided."""
        body = DocumentApprovalBody.read(request.data)
        version = _version(model, number)
        document = document_of(version, kind_named(kind), body["number"])
        approve_document(document.pk, body["rationale"], by=actor(request))
        return Response(_one(document.pk), status.HTTP_201_CREATED)


def _version(model: str, number: int) -> ModelVersion:
    return version_numbered(model_named(model), number)


def _one(document_id: UUID) -> dict[str, Any]:
    return dict(_shown([document_with(document_id)])[0])


def _shown(found: Any) -> Any:
    context = {"stale": overtaken(found, timezone.now())}
    return DocumentSerializer(found, many=True, context=context).data

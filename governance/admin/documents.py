"""Windows on documents: read, generated, approved."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from audit.action import holds
from audit.admin_base import ReadOnlyAdmin
from governance.actions.documents import approve_document
from governance.admin.fields import choice
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import link, moment, tag
from governance.document_drafts import generate
from governance.documents.kinds import Kind
from governance.documents.standing import is_stale, overtaken
from governance.models import Document, DocumentApproval
from governance.queries.documents import documents_of, may_read
from registry.models import ModelVersion

TITLES = {
    kind: kind.replace("_", " ").replace("annex iv", "AI Act file (Annex IV)") for kind in Kind
}
WHAT_STALE_MEANS = (
    "The record has moved on since it was generated: a new one would say something else."
)

FOR_FEW = "for those who may see fairness reports"


class GenerateForm(forms.Form):
    kind = choice("Document", [(str(kind), title) for kind, title in TITLES.items()])


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """What was generated from the record about a version, with its page and its PDF."""

    list_display = ("title", "version", "number", "approved", "generated_by", "generated_at")
    list_display_links = ("title", "version")
    list_filter = ("kind", "version__model")
    list_select_related = ("version__model", "generated_by", "approval__approver")
    fieldsets = (
        (None, {"fields": ("title", "about", "number", "standing", "as_of")}),
        ("Approval", {"fields": ("approved", "rationale")}),
        ("Made", {"fields": ("generated_by", "generated_at", "renderer")}),
        (
            "Digests and signature",
            {"fields": ("sha256", "content_sha256", "html_sha256", "pdf_sha256", "key_id", "signature", "entry")},
        ),
    )  # fmt: skip

    @admin.display(description="Document", ordering="kind")
    def title(self, document: Document) -> str:
        return TITLES[Kind(document.kind)]

    @admin.display(description="Version")
    def about(self, document: Document) -> str:
        return link(document.version)

    def get_fieldsets(self, request: HttpRequest, obj: Document | None = None) -> Any:
        """With its page and its PDF, for those who may read them."""
        assert isinstance(request.user, User)
        is_open = obj is not None and may_read(request.user, obj)
        to_read = (None, {"fields": ("opened" if is_open else "closed",)})
        return [to_read, *self.fieldsets]

    @admin.display(description="Read")
    def opened(self, document: Document) -> str:
        return _links(document)

    @admin.display(description="Read")
    def closed(self, document: Document) -> str:
        return FOR_FEW

    @admin.display(description="Standing")
    def standing(self, document: Document) -> str:
        stale = is_stale(document, timezone.now())
        return WHAT_STALE_MEANS if stale else "It says what the record says now."

    @admin.display(description="Approved by")
    def approved(self, document: Document) -> str:
        if not document.is_approved:
            return "-"
        approval = document.approval
        return f"{approval.approver.get_username()}, {moment(approval.approved_at)}"

    @admin.display(description="Why")
    def rationale(self, document: Document) -> str:
        return document.approval.rationale if document.is_approved else "-"


@admin.register(DocumentApproval)
class DocumentApprovalAdmin(ReadOnlyAdmin):
    list_display = ("approved_at", "document", "approver", "rationale")
    list_filter = ("approver",)
    fields = ("document", "document_sha256", "approver", "rationale", "approved_at", "entry")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DocumentApproval]:
        approvals: QuerySet[DocumentApproval] = super().get_queryset(request)
        return approvals.select_related("document__version__model", "approver")


def listed(version: ModelVersion, reader: User) -> dict[str, Any]:
    """The documents about a version as a section of a page; none for those who may not see documents."""
    found = list(documents_of(version))
    if not found or not holds(reader, "governance.view_document"):
        return {"sections": []}
    stale = overtaken(found, timezone.now())
    rows = [
        [
            link(document, f"{TITLES[Kind(document.kind)]} {document.number}"),
            _links(document) if may_read(reader, document) else FOR_FEW,
            tag("approved") if document.is_approved else "-",
            tag("stale") if document.pk in stale else "current",
            document.generated_by.get_username(),
            moment(document.generated_at),
        ]
        for document in found
    ]
    headers = ["Document", "Read", "Approval", "Against the record", "Generated by", "At"]
    return {
        "sections": [
            {
                "title": "Documents",
                "text": WHAT_STALE_MEANS.replace("it was", "a stale one was") if stale else "",
                "table": {"headers": headers, "rows": rows},
            }
        ]
    }


def _links(document: Document) -> SafeString:
    version = document.version
    address = reverse(
        "governance-document", args=[version.model.name, version.number, document.kind]
    )
    return format_html_join(
        " ",
        '<a href="{}?number={}&amp;format={}" target="_blank" class="text-primary-600">{}</a>',
        [(address, document.number, kind, name) for kind, name in (("html", "Page"), ("pdf", "PDF"))],
    )  # fmt: skip


def _generate(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    document = generate(version, Kind(fields["kind"]), by=by)
    return Done(f"Generated: {document}. Somebody else reads and approves it.")


def _approve(document: Document, fields: dict[str, Any], by: User) -> Done:
    approval = approve_document(document.pk, fields["rationale"], by=by)
    return Done(f"Approved: {approval.document}.")


offer(
    ActPage(
        model=ModelVersion,
        slug="generate-document",
        title="Generate a document",
        icon="description",
        needs="governance.generate_document",
        what_happens="It is put together from the record as it is now, each sentence with its entry, and signed. Somebody else approves it.",
        perform=_generate,
        form=GenerateForm,
        evidence=listed,
    ),
    ActPage(
        model=Document,
        slug="approve",
        title="Approve",
        icon="check",
        needs="governance.approve_document",
        what_happens="You have read this document and stand by it. Open change requests that rest on other documents are voided.",
        perform=_approve,
        applies=lambda document, user: not document.is_approved and may_read(user, document),
    ),
)

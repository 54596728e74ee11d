"""Named reads of documents: which there are, and their bytes for those who may see them."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from audit.action import holds, require
from governance.documents.kinds import EVIDENCE, RESTRICTED
from governance.documents.signing import opened
from governance.errors import NoSuchDocument
from governance.models import Document
from monitoring.queries.reports import FAIRNESS_PERMISSION
from registry.models import ModelVersion


def documents() -> QuerySet[Document]:
    """Every document, the newest first, with what a reader asks for next."""
    return Document.objects.select_related("version__model", "generated_by", "approval__approver")


def documents_of(version: ModelVersion) -> QuerySet[Document]:
    return documents().filter(version=version)


def document_with(document_id: UUID) -> Document:
    """Raises NoSuchDocument."""
    found = documents().filter(pk=document_id).first()
    if found is None:
        raise NoSuchDocument(f"There is no document {document_id}.")
    return found


def document_of(version: ModelVersion, kind: str, number: int | None = None) -> Document:
    """The newest document of that kind, or the one asked for. Raises NoSuchDocument."""
    found = documents_of(version).filter(kind=kind)
    one = found.filter(number=number).first() if number else found.first()
    if one is None:
        which = f" {number}" if number else ""
        raise NoSuchDocument(f"{version} has no {kind}{which}.")
    return one


def approved_digests(version: ModelVersion) -> dict[str, str]:
    """The digest of the newest approved document of each kind that a change request is judged by."""
    approved = documents_of(version).filter(kind__in=EVIDENCE, approval__isnull=False)
    return {one.kind: one.sha256 for one in approved.order_by("id")}


def may_read(reader: User, document: Document) -> bool:
    return document.kind not in RESTRICTED or holds(reader, FAIRNESS_PERMISSION)


def page_of(document: Document, *, reader: User) -> bytes:
    """The document as a page, its signature checked. Raises NotPermitted, BadSignature, NotStored or StoredBytesDiffer."""
    return _read(document, document.html_sha256, reader)


def pdf_of(document: Document, *, reader: User) -> bytes:
    """The document as PDF/A, its signature checked. Raises NotPermitted, BadSignature, NotStored or StoredBytesDiffer."""
    return _read(document, document.pdf_sha256, reader)


def _read(document: Document, sha256: str, reader: User) -> bytes:
    if document.kind in RESTRICTED:
        require(reader, FAIRNESS_PERMISSION)
    return opened(document, sha256)

"""Documents about versions: kept as generated, and approved by somebody else."""

import hashlib
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record, require
from audit.store import content_store
from governance.documents.composing import compose, content_bytes
from governance.documents.content import Rendered
from governance.documents.kinds import INDEPENDENT, RESTRICTED, Kind
from governance.documents.signing import STORE, manifest, opened, sign_document
from governance.documents.standing import is_stale
from governance.errors import (
    DeveloperCannotApprove,
    DeveloperCannotJudge,
    DocumentApproved,
    DocumentStale,
    DocumentUnchanged,
    GeneratorCannotApprove,
    RequesterCannotApprove,
)
from governance.events import Event
from governance.models import Document, DocumentApproval
from governance.queries.changes import built_by, requesters_of
from governance.queries.documents import document_with, documents_of
from governance.voiding import void_overtaken
from governance.words import require_words
from monitoring.queries.reports import FAIRNESS_PERMISSION
from registry.models import ModelVersion


@action(Event.DOCUMENT_GENERATED, needs="governance.generate_document")
def generate_document(
    version: ModelVersion, kind: Kind, rendered: Rendered, content_sha256: str, *, by: User
) -> Document:
    """Keep and sign a document whose content is what the record says at this moment.

    It is drawn beforehand, because drawing takes a second in which nobody else could act: `governance.document_drafts`.

    Raises DeveloperCannotJudge, DocumentStale where the record moved on meanwhile, or DocumentUnchanged.
    """
    if kind in INDEPENDENT and by.pk in built_by(version):
        raise DeveloperCannotJudge(f"{by} built {version} and does not write its {_words(kind)}.")
    # Two who generate at once: the second sees the first one's document.
    version = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    now = timezone.now()
    content = compose(version, kind, now)
    canonical = content_bytes(content)
    if hashlib.sha256(canonical).hexdigest() != content_sha256:
        raise DocumentStale("The record moved on while the document was drawn. Generate it again.")
    newest = documents_of(version).filter(kind=kind).first()
    if newest is not None and newest.content_sha256 == content_sha256:
        raise DocumentUnchanged(f"{newest} says what the record says now.")
    store = content_store()
    document = Document(
        version=version,
        kind=kind,
        number=newest.number + 1 if newest else 1,
        as_of=content.as_of,
        # A crash after these leaves bytes that no row names.
        content_sha256=store.put(STORE, canonical),
        html_sha256=store.put(STORE, rendered.html),
        pdf_sha256=store.put(STORE, rendered.pdf),
        renderer=rendered.renderer,
        generated_by=by,
        generated_at=now,
    )
    document.sha256 = hashlib.sha256(manifest(document)).hexdigest()
    signature = sign_document(document)
    document.key_id, document.signature = signature.key_id, signature.value
    document.entry = record(
        subject=version.subject,
        document=document.pk,
        kind=kind,
        number=document.number,
        as_of=document.as_of,
        sha256=document.sha256,
        content_sha256=content_sha256,
        html_sha256=document.html_sha256,
        pdf_sha256=document.pdf_sha256,
        renderer=document.renderer,
        key_id=document.key_id,
        signature=document.signature,
        entries_cited=len(content.sources),
    )
    document.save(force_insert=True)
    return document


@action(Event.DOCUMENT_APPROVED, needs="governance.approve_document")
def approve_document(document_id: UUID, rationale: str, *, by: User) -> DocumentApproval:
    """Stand by a document that one did not generate, about a version that one neither built nor asked to have promoted.

    1. Who approves may, and may read it.
    2. Its bytes are what was signed, and it says what the record says now.
    3. Approved documents are evidence: open requests that rest on others are void.

    Raises NoSuchDocument, RationaleMissing, DocumentApproved, GeneratorCannotApprove, DeveloperCannotApprove,
    RequesterCannotApprove, NotPermitted, BadSignature, NotStored, StoredBytesDiffer or DocumentStale.
    """
    document, now = document_with(document_id), timezone.now()
    # 1
    _require_approvable(document, rationale, by)
    # 2
    for sha256 in (document.content_sha256, document.html_sha256, document.pdf_sha256):
        opened(document, sha256)
    if is_stale(document, now):
        raise DocumentStale(f"The record has moved on since {document} was generated.")
    entry = record(
        subject=document.version.subject,
        document=document.pk,
        kind=document.kind,
        number=document.number,
        sha256=document.sha256,
        rationale=rationale,
        generated_by=document.generated_by.get_username(),
    )
    approval = DocumentApproval.objects.create(
        document=document,
        document_sha256=document.sha256,
        approver=by,
        rationale=rationale,
        approved_at=now,
        entry=entry,
    )
    # 3
    void_overtaken(document.version, now)
    return approval


def _require_approvable(document: Document, rationale: str, by: User) -> None:
    require_words("rationale", rationale)
    if document.is_approved:
        raise DocumentApproved(f"{document} is approved.")
    if by.pk == document.generated_by_id:
        raise GeneratorCannotApprove(f"{by} generated {document} and does not approve it.")
    if by.pk in built_by(document.version):
        raise DeveloperCannotApprove(
            f"{by} built {document.version} and does not approve about it."
        )
    if by.pk in requesters_of(document.version):
        raise RequesterCannotApprove(
            f"{by} asked for the run or the promotion of {document.version}."
        )
    if document.kind in RESTRICTED:
        require(by, FAIRNESS_PERMISSION)


def _words(kind: Kind) -> str:
    return kind.replace("_", " ")

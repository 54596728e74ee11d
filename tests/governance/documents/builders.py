"""Documents for tests, made by the acts that lead there, and what their bytes say."""

import hashlib
from io import BytesIO

import pypdf
from django.contrib.auth.models import User
from django.utils import timezone

from audit.store import content_store
from governance.actions.documents import approve_document, generate_document
from governance.document_drafts import generate
from governance.documents.composing import compose, content_bytes
from governance.documents.content import Rendered
from governance.documents.kinds import Kind
from governance.models import Document
from registry.models import ModelVersion
from tests.governance.builders import WHY


def a_document(version: ModelVersion, kind: str = "model_card", *, by: User) -> Document:
    """Composed of the record and kept by the act, with a page and a PDF that nobody drew: drawing takes time."""
    canonical = content_bytes(compose(version, Kind(kind), timezone.now()))
    undrawn = Rendered(b"a page of " + canonical, b"a PDF of " + canonical, "nothing")
    sha256 = hashlib.sha256(canonical).hexdigest()
    return generate_document(version, Kind(kind), undrawn, sha256, by=by)


def a_drawn_document(version: ModelVersion, kind: str = "model_card", *, by: User) -> Document:
    return generate(version, Kind(kind), by=by)


def an_approved_document(
    version: ModelVersion, kind: str = "model_card", *, by: User, approved_by: User
) -> Document:
    document = a_document(version, kind, by=by)
    approve_document(document.pk, WHY, by=approved_by)
    return Document.objects.get(pk=document.pk)


def text_of(pdf: bytes) -> str:
    """The words of a PDF with single spaces between them."""
    pages = pypdf.PdfReader(BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def overwrite(sha256: str, data: bytes) -> None:
    """Put other bytes in the place of stored ones, as somebody with access to the disk could."""
    path = content_store().path("documents", sha256)
    path.chmod(0o644)
    path.write_bytes(data)

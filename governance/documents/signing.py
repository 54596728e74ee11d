"""The manifest of a document: what its digest is of, and what its signature is over."""

from typing import Any

from audit.canonical import canonical_json
from audit.keys import Signature, sign, verify_signature
from audit.store import content_store
from governance.models import Document

SCHEMA = "credence-document-manifest/1"
DOMAIN = "credence-document/v1"
STORE = "documents"


def manifest(document: Document) -> bytes:
    """Everything that makes the document what it is, and nothing of when or by whom: the same again has the same digest."""
    plain: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": document.kind,
        "model": document.version.model.name,
        "version": document.version.number,
        "content_sha256": document.content_sha256,
        "html_sha256": document.html_sha256,
        "pdf_sha256": document.pdf_sha256,
        "renderer": document.renderer,
    }
    return canonical_json(plain)


def sign_document(document: Document) -> Signature:
    """By the producer key of this process."""
    return sign(DOMAIN, manifest(document))


def opened(document: Document, sha256: str) -> bytes:
    """The content, page or PDF of a document, by the digest that its row has for it.

    Raises BadSignature where no key of the log signed the manifest, NotStored or StoredBytesDiffer.
    """
    verify_signature(DOMAIN, manifest(document), document.key_id, document.signature)
    return content_store().get(STORE, sha256)

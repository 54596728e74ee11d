"""Generating a document: drawn first, then kept in one short act."""

import hashlib

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import holds
from governance.actions.documents import generate_document
from governance.documents.composing import compose, content_bytes
from governance.documents.content import Rendered
from governance.documents.kinds import Kind
from governance.models import Document
from registry.models import ModelVersion

NOTHING_DRAWN = Rendered(b"", b"", "")


def generate(version: ModelVersion, kind: Kind, *, by: User) -> Document:
    """Compose, draw, and keep it as `by`. Raises what `generate_document` raises."""
    if not holds(by, generate_document.act.needs):  # type: ignore[attr-defined]  # `action` puts it there
        return generate_document(
            version, kind, NOTHING_DRAWN, "", by=by
        )  # which refuses, on record
    from governance.documents.rendering import render  # brings altair, which only drawing needs

    content = compose(version, kind, timezone.now())
    sha256 = hashlib.sha256(content_bytes(content)).hexdigest()
    return generate_document(version, kind, render(content, sha256), sha256, by=by)

"""Generating a document: drawn first, then kept in one short act."""

import hashlib

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import require_act
from governance.actions.documents import generate_document
from governance.documents.composing import compose, content_bytes
from governance.documents.kinds import Kind
from governance.models import Document
from registry.models import ModelVersion


def generate(version: ModelVersion, kind: Kind, *, by: User) -> Document:
    """Compose, draw, and keep it as `by`. Raises what `generate_document` raises."""
    require_act(generate_document, by=by)
    from governance.documents.rendering import render  # brings altair, which only drawing needs

    content = compose(version, kind, timezone.now())
    sha256 = hashlib.sha256(content_bytes(content)).hexdigest()
    return generate_document(version, kind, render(content, sha256), sha256, by=by)

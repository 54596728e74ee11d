"""How documents stand against the record of now: current or overtaken, approved or not."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from governance.documents.composing import compose, content_bytes
from governance.documents.kinds import DEVELOPMENT, Kind
from governance.measured import Standing
from governance.models import Document
from governance.queries.documents import documents_of
from registry.models import ModelVersion


def content_now(version: ModelVersion, kind: Kind, at: datetime) -> str:
    """The digest of what a new document of that kind would say."""
    return hashlib.sha256(content_bytes(compose(version, kind, at))).hexdigest()


def is_stale(document: Document, at: datetime) -> bool:
    """Whether the record has moved on since the document was generated."""
    return content_now(document.version, Kind(document.kind), at) != document.content_sha256


def overtaken(documents: Iterable[Document], at: datetime) -> set[UUID]:
    """Which of these documents the record has moved on from."""
    now: dict[tuple[int, str], str] = {}
    stale = set()
    for document in documents:
        key = (document.version_id, document.kind)
        if key not in now:
            now[key] = content_now(document.version, Kind(document.kind), at)
        if now[key] != document.content_sha256:
            stale.add(document.pk)
    return stale


def development_documents(version: ModelVersion, at: datetime) -> dict[str, Standing]:
    """How the documents that the gates ask for stand: approved, generated or stale by kind. Kinds without one are left out."""
    found = list(documents_of(version))
    return {
        str(kind): _standing([one for one in found if one.kind == kind], content_now(version, kind, at))
        for kind in DEVELOPMENT
        if any(one.kind == kind for one in found)
    }  # fmt: skip


def _standing(documents: list[Document], now: str) -> Standing:
    current = [one for one in documents if one.content_sha256 == now]
    if any(one.is_approved for one in current):
        return Standing.APPROVED
    return Standing.GENERATED if current else Standing.STALE

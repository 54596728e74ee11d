"""One pass of timestamping: the newest published checkpoint, as it was published, shown to the authority.

1. Nothing to do where that checkpoint has its token.
2. The authority is asked outside of any transaction, and its answer verified.
3. What came of it is recorded: the token, or why there is none.
"""

from pathlib import Path

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import require
from audit.actions.witnesses import record_timestamp, record_timestamp_failure
from audit.errors import Refusal
from audit.models import TimestampToken
from audit.queries import newest_checkpoint
from audit.timestamps.authority import (
    SECONDS_PER_REQUEST,
    Timestamp,
    TimestampFailed,
    read_roots,
    request_timestamp,
)

TIMESTAMP = "audit.timestamp_checkpoint"


class NoAuthority(Refusal):
    """No timestamp authority is configured: CREDENCE_TSA_URL and CREDENCE_TSA_ROOTS name one."""


def has_authority() -> bool:
    """True when the configuration names an authority to ask."""
    return bool(settings.CREDENCE_TSA_URL)


def timestamp_pass(origin: str, *, by: User) -> TimestampToken:
    """The token of the newest published checkpoint of a log, asked for unless there is one.

    Raises NoAuthority, NothingSealed, NotPermitted, and TimestampFailed, which is recorded.
    """
    require(by, TIMESTAMP)
    if not has_authority():
        raise NoAuthority("Set CREDENCE_TSA_URL and CREDENCE_TSA_ROOTS to have timestamps.")
    publication = newest_checkpoint(origin)
    token = TimestampToken.objects.filter(publication=publication).first()
    if token is not None:
        return token
    url: str = settings.CREDENCE_TSA_URL
    try:
        stamp = _ask(url, publication.note.encode())
    except TimestampFailed as refusal:
        record_timestamp_failure(publication, refusal.detail, authority=url, by=by)
        raise
    return record_timestamp(
        publication,
        stamp.response,
        authority=url,
        stamped_at=stamp.stamped_at,
        response_sha256=stamp.sha256,
        by=by,
    )


def root_certificates() -> bytes:
    """The PEM file of the roots under which tokens are accepted. Raises TimestampFailed."""
    path: Path | None = settings.CREDENCE_TSA_ROOTS
    if path is None:
        raise TimestampFailed("CREDENCE_TSA_ROOTS names no file of root certificates.")
    try:
        return path.read_bytes()
    except OSError as problem:
        raise TimestampFailed(f"CREDENCE_TSA_ROOTS cannot be read: {problem}") from None


def _ask(url: str, data: bytes) -> Timestamp:
    roots = read_roots(root_certificates())
    with httpx.Client(timeout=SECONDS_PER_REQUEST) as http:
        return request_timestamp(http, url, data, roots, timezone.now())

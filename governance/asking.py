"""Putting a request on record, whatever it asks for: within the act of whoever asks."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from audit.action import record
from audit.canonical import digest_json
from governance.errors import AlreadyRequested
from governance.models import ChangeRequest
from governance.words import require_words

OPEN_FOR = timedelta(days=14)
"""How long a request can be decided: two weeks for two people to read the evidence (our choice)."""


def put_request(
    change: ChangeRequest,
    evidence: dict[str, Any],
    rationale: str,
    by: User,
    now: datetime,
    *,
    open_for: timedelta | None = None,
) -> ChangeRequest:
    """Bind the change to its evidence, record it and keep it. Raises RationaleMissing or AlreadyRequested."""
    require_words("rationale", rationale)
    asked = ChangeRequest.objects.filter(
        state=ChangeRequest.State.OPEN, version=change.version, policy=change.policy,
        erasure_case=change.erasure_case, kind=change.kind,
    )  # fmt: skip
    if asked.exists():
        raise AlreadyRequested(
            f"There is an open request: {asked[0]}. Decide or withdraw it first."
        )
    change.evidence, change.evidence_digest = evidence, digest_json(evidence)
    change.requested_by, change.rationale = by, rationale
    change.requested_at, change.expires_at = now, now + (open_for or OPEN_FOR)
    change.entry = record(
        subject=change,
        kind=change.kind,
        target=change.target,
        rationale=rationale,
        evidence=evidence,
        evidence_digest=change.evidence_digest,
        expires_at=change.expires_at,
    )
    change.save(force_insert=True)
    return change

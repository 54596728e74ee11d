"""Acts on clearances: what the scorer trusts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from registry.errors import (
    ApproverIsDeveloper,
    ClearanceRevoked,
    ClearanceWithoutApprover,
    StageNotReachable,
)
from registry.events import Event
from registry.models import Clearance, ModelVersion, Stage

# The stages in which a version can be cleared for each purpose.
CLEARED_IN: dict[str, frozenset[str]] = {
    Clearance.Purpose.SCORE_SHADOW: frozenset({Stage.STAGING}),
    Clearance.Purpose.SCORE_LIVE: frozenset({Stage.STAGING, Stage.PRODUCTION, Stage.ARCHIVED}),
    Clearance.Purpose.ROLLBACK: frozenset({Stage.PRODUCTION, Stage.ARCHIVED}),
}


@action(Event.CLEARANCE_GRANTED, needs="registry.grant_clearance")
def grant_clearance(
    version: ModelVersion,
    purpose: str,
    evidence_digest: str,
    approver_ids: Sequence[int],
    change_request_id: str,
    *,
    by: User,
    valid_to: datetime | None = None,
    is_break_glass: bool = False,
) -> Clearance:
    """Clear exactly the version's bytes for one purpose, on the word of people who did not build it.

    Raises ClearanceWithoutApprover, ApproverIsDeveloper or StageNotReachable.
    """
    # Locks on versions and clearances leave their keys free: a decision that refers to them would wait, or deadlock.
    version = (
        ModelVersion.objects.select_for_update(no_key=True)
        .select_related("model")
        .get(pk=version.pk)
    )
    if not approver_ids:
        raise ClearanceWithoutApprover(f"Nobody's approval of {version} is named.")
    if version.developed_by_id in approver_ids:
        raise ApproverIsDeveloper(
            f"{version.developed_by} developed {version} and cannot also approve it."
        )
    if version.stage not in CLEARED_IN[purpose]:
        raise StageNotReachable(
            f"{version} is {version.stage} and cannot be cleared for {purpose}."
        )
    clearance = Clearance(
        version=version,
        kind=Clearance.Kind.GRANT,
        artefact_sha256=version.artefact_id,
        evidence_digest=evidence_digest,
        purpose=purpose,
        approver_ids=sorted(approver_ids),
        change_request_id=change_request_id,
        valid_from=timezone.now(),
        valid_to=valid_to,
        is_break_glass=is_break_glass,
    )
    return _recorded(clearance)


@action(Event.CLEARANCE_REVOKED, needs="registry.revoke_clearance")
def revoke_clearance(clearance: Clearance, *, by: User, reason: str) -> Clearance:
    """End a clearance now. The grant stays as it is; the revocation is a row of its own.

    Raises ClearanceRevoked.
    """
    grant = Clearance.objects.select_for_update(no_key=True).get(pk=clearance.pk)
    if grant.kind == Clearance.Kind.REVOCATION or hasattr(grant, "revocation"):
        raise ClearanceRevoked(f"The clearance {grant.pk} was already revoked.")
    revocation = Clearance(
        version=grant.version,
        kind=Clearance.Kind.REVOCATION,
        grant=grant,
        artefact_sha256=grant.artefact_sha256,
        evidence_digest=grant.evidence_digest,
        purpose=grant.purpose,
        approver_ids=grant.approver_ids,
        change_request_id=grant.change_request_id,
        valid_from=timezone.now(),
        is_break_glass=grant.is_break_glass,
    )
    return _recorded(revocation, revokes=grant.pk, reason=reason)


def _recorded(clearance: Clearance, **details: Any) -> Clearance:
    clearance.entry = record(
        subject=clearance.version.subject,
        purpose=clearance.purpose,
        artefact_sha256=clearance.artefact_sha256,
        evidence_digest=clearance.evidence_digest,
        approver_ids=clearance.approver_ids,
        change_request_id=clearance.change_request_id,
        valid_from=clearance.valid_from,
        valid_to=clearance.valid_to,
        is_break_glass=clearance.is_break_glass,
        **details,
    )
    clearance.save(force_insert=True)
    return clearance

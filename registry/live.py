"""What was live, as a document: the same wherever it is told."""

from typing import Any

from registry.history import Live
from registry.models import Clearance, Policy, UseRestriction


def live_document(live: Live) -> dict[str, Any]:
    """Ids, digests and entries as text, times as they are; parts that were absent are None or empty."""
    champion, promotion, clearance = live.champion, live.promotion, live.clearance
    return {
        "model": live.model.name,
        "at": live.at,
        "tier": live.model.tier,
        "champion": champion
        and promotion
        and {
            "version": champion.number,
            "artefact_sha256": champion.artefact_id,
            "since": promotion.changed_at,
            "entry": str(promotion.entry_id),
        },
        "clearance": clearance and clearance_document(clearance),
        "approvers": live.approvers,
        "other_clearances": [clearance_document(other) for other in live.others],
        "policies": [policy_document(policy) for policy in live.policies],
        "restrictions": [_restriction(restriction) for restriction in live.restrictions],
    }


def clearance_document(clearance: Clearance) -> dict[str, Any]:
    return {
        "id": clearance.pk,
        "version": clearance.version.number,
        "purpose": clearance.purpose,
        "artefact_sha256": clearance.artefact_sha256,
        "evidence_digest": clearance.evidence_digest,
        "change_request_id": clearance.change_request_id,
        "valid_from": clearance.valid_from,
        "valid_to": clearance.valid_to,
        "is_break_glass": clearance.is_break_glass,
        "entry": str(clearance.entry_id),
    }


def policy_document(policy: Policy) -> dict[str, Any]:
    return {
        "kind": policy.kind,
        "name": policy.name,
        "version": policy.version,
        "sha256": policy.sha256,
        "approved_at": policy.approved_at,
        "entry": str(policy.entry_id),
    }


def _restriction(restriction: UseRestriction) -> dict[str, Any]:
    return {
        "id": restriction.pk,
        "version": restriction.version.number if restriction.version else None,
        "kind": restriction.kind,
        "limits": restriction.limits,
        "reason": restriction.reason,
        "valid_from": restriction.valid_from,
        "valid_to": restriction.valid_to,
        "entry": str(restriction.entry_id),
    }

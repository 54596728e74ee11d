"""Acts on policies: one person writes them, another adopts them, where applicants are concerned on a third one's word."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.canonical import NotCanonical, digest_json
from audit.errors import FieldProblem, InvalidInput
from registry.errors import ApproverIsProposer, NotEndorsed, PolicyMalformed, PolicyNotProposed
from registry.events import Event
from registry.models import Policy, PolicyEndorsement
from registry.policies import body_problems

ADOPTED_BY_TWO = (Policy.Kind.REASON_LIBRARY,)
"""What applicants are told; the database holds it as well (migration `reason_approvals`)."""


@action(Event.POLICY_PROPOSED, needs="registry.propose_policy")
def propose_policy(
    kind: str,
    name: str,
    body: Mapping[str, Any],
    *,
    by: User,
    rationale: str,
    jurisdiction: str = "",
    legal_basis: Sequence[str] = (),
    effective_from: datetime | None = None,
) -> Policy:
    """Write the next version of a policy, which applies to nothing until someone else adopts it.

    Raises InvalidInput, or PolicyMalformed naming everything wrong with the body.
    """
    if kind not in Policy.Kind.values:
        raise InvalidInput(
            "There is no such kind of policy.",
            errors=[FieldProblem("kind", "unknown", f"One of {', '.join(Policy.Kind.values)}.")],
        )
    if not rationale.strip():
        raise InvalidInput(
            "A policy is proposed with its reasons.",
            errors=[FieldProblem("rationale", "blank", "Must not be empty.")],
        )
    if problems := body_problems(kind, body):
        raise PolicyMalformed("The policy cannot be used; see `errors`.", errors=problems)
    sha256 = _digest(body)
    same = Policy.objects.select_for_update().filter(kind=kind, name=name)
    # Two proposals at one instant: the constraint on the version refuses the second.
    newest = max(same.values_list("version", flat=True), default=0)
    now = timezone.now()
    policy = Policy(
        kind=kind,
        name=name,
        version=newest + 1,
        body=dict(body),
        sha256=sha256,
        jurisdiction=jurisdiction,
        legal_basis=list(legal_basis),
        rationale=rationale,
        effective_from=effective_from or now,
        proposed_by=by,
        proposed_at=now,
    )
    policy.entry = record(
        subject=policy.subject,
        body=policy.body,
        sha256=policy.sha256,
        jurisdiction=jurisdiction,
        legal_basis=policy.legal_basis,
        rationale=rationale,
        effective_from=policy.effective_from,
    )
    policy.save(force_insert=True)
    return policy


@action(Event.POLICY_ENDORSED, needs="registry.adopt_policy")
def endorse_policy(policy: Policy, *, by: User, rationale: str) -> PolicyEndorsement:
    """Give one's word for a policy that somebody else proposed, so that a third person may adopt it.

    Raises PolicyNotProposed or ApproverIsProposer.
    """
    policy = _proposed(policy, by)
    return PolicyEndorsement.objects.create(
        policy=policy,
        endorsed_by=by,
        endorsed_at=timezone.now(),
        rationale=rationale,
        entry=record(subject=policy.subject, sha256=policy.sha256, rationale=rationale),
    )


@action(Event.POLICY_ADOPTED, needs="registry.adopt_policy")
def adopt_policy(policy: Policy, *, by: User, rationale: str) -> Policy:
    """Approve a policy that someone else proposed; the one before it ends when this one begins.

    Raises PolicyNotProposed, ApproverIsProposer or NotEndorsed.
    """
    policy = _proposed(policy, by)
    endorsers = _endorsers(policy, by)
    now = timezone.now()
    begins = max(now, policy.effective_from)
    replaced = (
        Policy.objects.select_for_update()
        .filter(kind=policy.kind, name=policy.name, status=Policy.Status.APPROVED)
        .first()
    )
    if replaced:
        replaced.status = Policy.Status.SUPERSEDED
        replaced.effective_to = begins
        replaced.save(update_fields=["status", "effective_to"])
    policy.status = Policy.Status.APPROVED
    policy.approved_by = by
    policy.approved_at = now
    policy.save(update_fields=["status", "approved_by", "approved_at"])
    record(
        subject=policy.subject,
        sha256=policy.sha256,
        proposed_by=policy.proposed_by.get_username(),
        endorsed_by=endorsers,
        replaces=replaced.version if replaced else None,
        applies_from=begins,
        rationale=rationale,
    )
    return policy


@action(Event.POLICY_REJECTED, needs="registry.adopt_policy")
def reject_policy(policy: Policy, *, by: User, rationale: str) -> Policy:
    """Turn a proposed policy down. Raises PolicyNotProposed or ApproverIsProposer."""
    policy = _proposed(policy, by)
    policy.status = Policy.Status.REJECTED
    policy.save(update_fields=["status"])
    record(subject=policy.subject, sha256=policy.sha256, rationale=rationale)
    return policy


def _endorsers(policy: Policy, adopter: User) -> list[str]:
    """Who else gave their word for it."""
    others = policy.endorsements.exclude(endorsed_by=adopter).order_by("id")
    names = list(dict.fromkeys(others.values_list("endorsed_by__username", flat=True)))
    if policy.kind in ADOPTED_BY_TWO and not names:
        raise NotEndorsed(f"{policy} is adopted by one person on the word of another.")
    return names


def _digest(body: Mapping[str, Any]) -> str:
    try:
        return digest_json(dict(body))
    except NotCanonical as problem:
        raise PolicyMalformed(
            "The policy cannot be recorded.",
            errors=[FieldProblem("body", "not_canonical", str(problem))],
        ) from problem


def _proposed(policy: Policy, by: User) -> Policy:
    policy = Policy.objects.select_for_update().get(pk=policy.pk)
    if policy.status != Policy.Status.PROPOSED:
        raise PolicyNotProposed(f"{policy} is {policy.status}, not proposed.")
    if policy.proposed_by == by:
        raise ApproverIsProposer(f"{by} proposed {policy} and cannot also decide on it.")
    return policy

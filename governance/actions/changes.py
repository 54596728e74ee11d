"""Maker and checker: a change is asked for by one person and decided by another, on the same evidence."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record, require
from audit.canonical import digest_json
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem
from governance.asking import put_request
from governance.effects import take_effect
from governance.errors import (
    AlreadyDecided,
    ApprovedAlready,
    ChangeMalformed,
    ComparisonNotOpened,
    DeveloperCannotApprove,
    EvidenceChanged,
    EvidenceUnchanged,
    Expired,
    NoSuchChange,
    NotExpired,
    NotProposed,
    NotTheRequester,
    RequesterCannotApprove,
    ValidatorCannotApprove,
    WrongStage,
)
from governance.events import Event
from governance.models import Approval, ChangeRequest
from governance.queries import changes as queries
from governance.queries.cases import cases_of_candidate
from governance.queries.findings import require_no_blocking_finding
from governance.queries.policies import require_readable
from governance.words import require_words
from registry.actions.policies import reject_policy
from registry.models import ModelVersion, Policy, Stage

BEFORE = {
    ChangeRequest.Target.STAGING: (Stage.REGISTERED, Stage.SUSPENDED),
    ChangeRequest.Target.PRODUCTION: (Stage.STAGING,),
}
ON_PASSED_GATES = {
    ChangeRequest.Kind.PROMOTION,
    ChangeRequest.Kind.CUT_OFF,
    ChangeRequest.Kind.ROLLOUT,
}
"""The kinds that no open finding and no missed gate lets through."""


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_promotion(
    version: ModelVersion, target: str, rationale: str, *, by: User
) -> ChangeRequest:
    """Ask for a version to enter staging or production, on the evidence of this moment.

    Raises ChangeMalformed, RationaleMissing, WrongStage, OpenFinding, NoGatePolicy, GateNotPassed or AlreadyRequested.
    """
    if target not in BEFORE:
        problem = FieldProblem("target", "unknown", f"Targets are {', '.join(BEFORE)}.")
        raise ChangeMalformed("There is no such target.", errors=[problem])
    now = timezone.now()
    _require_stage(version, target)
    require_no_blocking_finding(version, now)
    queries.require_gate_passed(version, now)
    evidence = queries.version_evidence(version, target, now)
    return put_request(
        ChangeRequest(
            kind=ChangeRequest.Kind.PROMOTION, version=version, target=target, made_by=version.developed_by
        ), evidence, rationale, by, now,
    )  # fmt: skip


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_adoption(policy: Policy, rationale: str, *, by: User) -> ChangeRequest:
    """Ask for a proposed policy to be adopted.

    Raises RationaleMissing, NotProposed, AlreadyRequested, or what reading its body raises.
    """
    if policy.status != Policy.Status.PROPOSED:
        raise NotProposed(f"{policy} is {policy.status}, not proposed.")
    require_readable(policy)
    change = ChangeRequest(
        kind=ChangeRequest.Kind.POLICY, policy=policy, made_by=policy.proposed_by
    )
    return put_request(change, queries.policy_evidence(policy), rationale, by, timezone.now())


@action(Event.CHANGE_REQUESTED, needs="governance.request_change")
def request_revocation(version: ModelVersion, rationale: str, *, by: User) -> ChangeRequest:
    """Ask for a version to lose its clearances. Raises RationaleMissing, WrongStage or AlreadyRequested."""
    if version.stage not in {Stage.STAGING, Stage.PRODUCTION}:
        raise WrongStage(f"{version} is {version.stage}; it holds no clearance to revoke.")
    now = timezone.now()
    kind = ChangeRequest.Kind.REVOCATION
    change = ChangeRequest(kind=kind, version=version, made_by=version.developed_by)
    return put_request(change, queries.version_evidence(version, kind, now), rationale, by, now)


@action(Event.CHANGE_APPROVED, needs="governance.decide_change")
def approve_change(change_id: UUID, rationale: str, *, by: User) -> ChangeRequest:
    """Approve a change, which takes effect in the same transaction once every seat of its quorum is taken.

    1. It is open and in time, and the approver may decide it: not its requester, not its maker, not who cleared the step before.
    2. The evidence is the one it was requested on, the gates still hold, and the approver saw who would be decided otherwise.
    3. The approval is written. With the last one the change takes effect; before that it stays open.

    Raises NoSuchChange, RationaleMissing, AlreadyDecided, Expired, NotPermitted, RequesterCannotApprove, DeveloperCannotApprove,
    ValidatorCannotApprove, ApprovedAlready, EvidenceChanged, OpenFinding, GateNotPassed, WrongStage or ComparisonNotOpened.
    """
    now = timezone.now()
    change = _locked(change_id)
    # 1
    _require_decidable(change, rationale, by, now)
    # 2
    if change.version is not None:
        ModelVersion.objects.select_for_update().get(pk=change.version.pk)
    if queries.is_stale(change, now):
        raise EvidenceChanged(f"What {change} rests on changed after it was requested.")
    if change.version is not None and change.kind in ON_PASSED_GATES:
        if change.kind == ChangeRequest.Kind.PROMOTION:
            _require_stage(change.version, change.target)
        require_no_blocking_finding(change.version, now)
        queries.require_gate_passed(change.version, now)
    _require_compared(change, by)
    # 3
    seat = queries.seat_for(by, change)
    assert seat is not None
    awaited = [other for other in queries.seats_awaited(change) if other != seat]
    _decide(change, Approval.Decision.APPROVE, rationale, by, now, seat=seat, awaited=awaited)
    if awaited:
        return change
    _close(change, ChangeRequest.State.GRANTED, now, "")
    take_effect(change, rationale, by, now)
    _tell_cases(change)
    return change


@action(Event.CHANGE_REJECTED, needs="governance.decide_change")
def reject_change(change_id: UUID, rationale: str, *, by: User) -> ChangeRequest:
    """Turn a change down. Raises what `approve_change` raises, except about evidence and gates."""
    now = timezone.now()
    change = _locked(change_id)
    _require_decidable(change, rationale, by, now)
    _decide(change, Approval.Decision.REJECT, rationale, by, now)
    _close(change, ChangeRequest.State.REJECTED, now, rationale)
    if change.policy is not None:
        reject_policy(change.policy, by=by, rationale=rationale)
    _tell_cases(change)
    return change


@action(Event.CHANGE_WITHDRAWN, needs="governance.request_change")
def withdraw_change(change_id: UUID, rationale: str, *, by: User) -> ChangeRequest:
    """Take back one's own request. Raises NoSuchChange, RationaleMissing, AlreadyDecided or NotTheRequester."""
    change = _locked(change_id)
    _require_open(change)
    require_words("rationale", rationale)
    if change.requested_by_id != by.pk:
        raise NotTheRequester(f"{change.requested_by} requested this; only they withdraw it.")
    _close(change, ChangeRequest.State.WITHDRAWN, timezone.now(), rationale)
    record(subject=change, rationale=rationale)
    return change


@action(Event.CHANGE_VOIDED, needs="governance.close_stale_changes")
def void_change(change_id: UUID, *, by: User) -> ChangeRequest:
    """Void a request whose evidence changed. Raises NoSuchChange, AlreadyDecided or EvidenceUnchanged."""
    now = timezone.now()
    change = _locked(change_id)
    _require_open(change)
    found = digest_json(queries.current_evidence(change, now))
    if found == change.evidence_digest:
        raise EvidenceUnchanged(f"The evidence of {change} is the one it was requested on.")
    _close(change, ChangeRequest.State.VOID, now, "The evidence changed after the request.")
    record(subject=change, requested_on=change.evidence_digest, found=found)
    return change


@action(Event.CHANGE_EXPIRED, needs="governance.close_stale_changes")
def expire_change(change_id: UUID, *, by: User) -> ChangeRequest:
    """Close a request that nobody decided in time. Raises NoSuchChange, AlreadyDecided or NotExpired."""
    now = timezone.now()
    change = _locked(change_id)
    _require_open(change)
    if now < change.expires_at:
        raise NotExpired(f"{change} can be decided until {change.expires_at:%Y-%m-%d %H:%M} UTC.")
    _close(change, ChangeRequest.State.EXPIRED, now, "Nobody decided in time.")
    record(subject=change, expired_at=change.expires_at)
    return change


def _locked(change_id: UUID) -> ChangeRequest:
    change = ChangeRequest.objects.select_for_update().filter(pk=change_id).first()
    if change is None:
        raise NoSuchChange(f"There is no change request {change_id}.")
    return change


def _require_decidable(change: ChangeRequest, rationale: str, by: User, now: datetime) -> None:
    _require_open(change)
    if now >= change.expires_at:
        raise Expired(f"{change} expired at {change.expires_at:%Y-%m-%d %H:%M} UTC.")
    require_words("rationale", rationale)
    if by.pk == change.requested_by_id:
        raise RequesterCannotApprove(f"{by} requested this and cannot also decide it.")
    if by.pk in queries.makers_of(change):
        raise DeveloperCannotApprove(f"{by} made what this is about and cannot also decide it.")
    if by.pk in queries.approvers_of(change):
        raise ApprovedAlready(f"{by} approved this before; somebody else's approval is awaited.")
    if queries.seat_for(by, change) is None:
        require(by, queries.seats_awaited(change)[0])
    if by.pk in queries.earlier_checkers(change):
        raise ValidatorCannotApprove(
            f"{by} cleared this version for staging; somebody else decides about production."
        )


def _require_compared(change: ChangeRequest, by: User) -> None:
    champion = queries.champion_compared(change)
    if champion is not None and not queries.has_opened_comparison(by, change, champion):
        raise ComparisonNotOpened(
            f"{by} has not opened the comparison with {champion}, which shows who would be decided otherwise."
        )


def _require_open(change: ChangeRequest) -> None:
    if change.state != ChangeRequest.State.OPEN:
        raise AlreadyDecided(f"{change} is {change.state}.")


def _require_stage(version: ModelVersion, target: str) -> None:
    before = BEFORE[ChangeRequest.Target(target)]
    stage = ModelVersion.objects.select_for_update().get(pk=version.pk).stage
    if stage not in before:
        raise WrongStage(f"{version} is {stage}; {target} is entered from {' or '.join(before)}.")


def _decide(
    change: ChangeRequest,
    decision: Approval.Decision,
    rationale: str,
    by: User,
    now: datetime,
    *,
    seat: str | None = None,
    awaited: Sequence[str] = (),
) -> None:
    entry = record(
        subject=change,
        decision=decision,
        seat=seat,
        awaited=awaited,
        rationale=rationale,
        evidence_digest=change.evidence_digest,
        requested_by=change.requested_by.get_username(),
    )
    Approval.objects.create(
        change_request=change,
        approver=by,
        decision=decision,
        seat=seat,
        rationale=rationale,
        decided_at=now,
        entry=entry,
    )


def _close(change: ChangeRequest, state: ChangeRequest.State, now: datetime, reason: str) -> None:
    change.state, change.decided_at, change.closing_reason = state, now, reason
    change.save(update_fields=["state", "decided_at", "closing_reason"])


def _tell_cases(change: ChangeRequest) -> None:
    """A retraining case may have waited for this."""
    if change.version is not None:
        for case in cases_of_candidate(change.version):
            send_on_commit("governance.advance_case", str(case.pk))

"""Maker and checker: a change is asked for by one person and decided by another, on the same evidence."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, holds, record, require
from audit.canonical import digest_json
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem
from governance.actions.conditions import open_condition
from governance.asking import put_request
from governance.effects import take_effect
from governance.errors import (
    AlreadyDecided,
    ApprovedAlready,
    ChangeMalformed,
    ComparisonNotOpened,
    DelegateApproved,
    DelegationEnded,
    DelegatorCannotApprove,
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
from governance.models import Approval, ApprovalCondition, ChangeRequest, Delegation
from governance.queries import changes as queries
from governance.queries.cases import cases_of_candidate
from governance.queries.conditions import (
    Condition,
    conditions_of,
    require_conditions,
    require_in_time,
)
from governance.queries.delegations import delegations_to
from governance.queries.findings import require_no_blocking_finding
from governance.queries.policies import require_readable
from governance.words import require_words
from registry.actions.policies import endorse_policy, reject_policy
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
def approve_change(
    change_id: UUID, rationale: str, *, by: User, conditions: Sequence[Condition] = ()
) -> ChangeRequest:
    """Approve a change, which takes effect in the same transaction once every seat of its quorum is taken.

    1. It is open and in time, and the approver may decide it: not its requester, not its maker, not who cleared the step before.
    2. The evidence is the one it was requested on, the gates still hold, and the approver saw who would be decided otherwise.
    3. The approval is written, with its conditions. With the last one the change takes effect, and every condition
       becomes a finding; before that it stays open.

    Raises NoSuchChange, RationaleMissing, AlreadyDecided, Expired, NotPermitted, RequesterCannotApprove, DeveloperCannotApprove,
    ValidatorCannotApprove, ApprovedAlready, DelegatorCannotApprove, DelegateApproved, DelegationEnded, EvidenceChanged,
    OpenFinding, GateNotPassed, WrongStage, ComparisonNotOpened, ConditionMalformed, ConditionOverdue or NoOversightPolicy.
    """
    now = timezone.now()
    change = _locked(change_id)
    # 1
    _require_decidable(change, rationale, by, now)
    # 2
    if change.version is not None:
        ModelVersion.objects.select_for_update(no_key=True).get(pk=change.version.pk)
    if queries.is_stale(change, now):
        raise EvidenceChanged(f"What {change} rests on changed after it was requested.")
    if change.version is not None and change.kind in ON_PASSED_GATES:
        if change.kind == ChangeRequest.Kind.PROMOTION:
            _require_stage(change.version, change.target)
        require_no_blocking_finding(change.version, now)
        queries.require_gate_passed(change.version, now)
    _require_compared(change, by)
    require_conditions(change, conditions, now)
    # 3
    seat = queries.seat_for(by, change)
    assert seat is not None
    awaited = [other for other in queries.seats_awaited(change) if other != seat]
    lent = None if holds(by, seat) else _lent(by, change, seat)
    _decide(
        change, Approval.Decision.APPROVE, rationale, by, now, seat=seat, awaited=awaited, conditions=conditions, lent=lent
    )  # fmt: skip
    if awaited:
        if change.policy is not None:
            endorse_policy(change.policy, by=by, rationale=rationale)
        return change
    require_in_time(change, now.date())
    _close(change, ChangeRequest.State.GRANTED, now, "")
    take_effect(change, rationale, by, now)
    for condition in conditions_of(change):
        open_condition(condition, by=by)
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
    return _withdrawn(change_id, rationale, by)


@action(Event.CHANGE_WITHDRAWN, needs="governance.request_erasure")
def withdraw_erasure(change_id: UUID, rationale: str, *, by: User) -> ChangeRequest:
    """Take back one's own request about a disputed erasure. Raises what `withdraw_change` raises."""
    return _withdrawn(change_id, rationale, by)


def _withdrawn(change_id: UUID, rationale: str, by: User) -> ChangeRequest:
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
    if by.pk in queries.principals_of(change):
        raise DelegateApproved(f"A delegate of {by} approved this or cleared it for staging.")
    if queries.seat_for(by, change) is None:
        _require_no_delegation(change, by, now)
        require(by, queries.seats_awaited(change)[0])
    if by.pk in queries.earlier_checkers(change):
        raise ValidatorCannotApprove(
            f"{by} cleared this version for staging; somebody else decides about production."
        )


def _lent(by: User, change: ChangeRequest, seat: str) -> Delegation:
    """The delegation by which somebody takes the seat, held so that nobody ends it before the approval is there."""
    lent = queries.delegation_for(by, change, seat)
    assert lent is not None
    Delegation.objects.select_for_update().get(pk=lent.pk)
    lent = queries.delegation_for(by, change, seat)
    if lent is None:
        raise DelegationEnded(f"The seat {seat} went back while {by} approved.")
    return lent


def _require_no_delegation(change: ChangeRequest, by: User, now: datetime) -> None:
    """Says so where it was lent a seat by somebody who could not take it themselves."""
    for seat in queries.seats_awaited(change):
        for lent in delegations_to(by, seat, now):
            raise DelegatorCannotApprove(
                f"{lent.delegator} could not approve this, so {by} cannot do it for them."
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
    stage = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk).stage
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
    conditions: Sequence[Condition] = (),
    lent: Delegation | None = None,
) -> None:
    entry = record(
        subject=change,
        decision=decision,
        seat=seat,
        awaited=awaited,
        conditions=[
            {"text": each.text, "owner": each.owner.get_username(), "due_on": each.due_on}
            for each in conditions
        ],
        delegation=lent.pk if lent else None,
        delegator=lent.delegator.get_username() if lent else None,
        rationale=rationale,
        evidence_digest=change.evidence_digest,
        requested_by=change.requested_by.get_username(),
    )
    approval = Approval.objects.create(
        change_request=change,
        approver=by,
        decision=decision,
        seat=seat,
        delegation=lent,
        rationale=rationale,
        decided_at=now,
        entry=entry,
    )
    for each in conditions:
        ApprovalCondition.objects.create(
            approval=approval, text=each.text, owner=each.owner, due_on=each.due_on, entry=entry
        )


def _close(change: ChangeRequest, state: ChangeRequest.State, now: datetime, reason: str) -> None:
    change.state, change.decided_at, change.closing_reason = state, now, reason
    change.save(update_fields=["state", "decided_at", "closing_reason"])


def _tell_cases(change: ChangeRequest) -> None:
    """A retraining case may have waited for this."""
    if change.version is not None:
        for case in cases_of_candidate(change.version):
            send_on_commit("governance.advance_case", str(case.pk))

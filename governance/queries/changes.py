"""Named reads about change requests: who waits for whom, and what a decision rests on."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from audit.action import holds
from audit.canonical import digest_json
from audit.cases import assessment_of
from audit.models import Entry, ErasureCase
from governance.errors import GateNotPassed, NoSuchChange
from governance.models import (
    Approval,
    ChangeReminder,
    ChangeRequest,
    Delegation,
    EvidenceView,
    GateReport,
)
from governance.queries.delegations import delegations_to
from governance.queries.documents import approved_digests
from governance.queries.exceptions import ended_exception
from governance.queries.kinds import parts_of_kind
from governance.queries.oversight import developers_of
from governance.queries.policies import gate_policy
from governance.quorum import seats
from registry.applicable import policy_for
from registry.models import ModelVersion, Policy
from registry.queries import champion

EVIDENCE_SCHEMA = "credence-evidence/1"
REMIND_BEFORE = (7, 2, 1)
"""Days before an open change expires on which those who may decide it are reminded (our choice: of two weeks)."""


def change_with(change_id: UUID) -> ChangeRequest:
    """Raises NoSuchChange."""
    change = changes().filter(pk=change_id).first()
    if change is None:
        raise NoSuchChange(f"There is no change request {change_id}.")
    return change


def changes() -> QuerySet[ChangeRequest]:
    """All change requests, newest first, with what a reader asks for next."""
    return ChangeRequest.objects.select_related(
        "version__model",
        "version__developed_by",
        "policy",
        "erasure_case__dispute",
        "requested_by",
        "made_by",
    ).prefetch_related(
        "approvals__approver",
        "approvals__delegation__delegator",
        "approvals__conditions__owner",
        "approvals__conditions__opened_as",
    )


def changes_at(at: datetime) -> QuerySet[ChangeRequest]:
    """The change requests made by that time, with the approvals given by then; `as_they_stood` tells their states."""
    given = (
        Approval.objects.filter(decided_at__lte=at)
        .select_related("approver", "delegation__delegator")
        .prefetch_related("conditions__owner", "conditions__opened_as")
    )
    return (
        changes()
        .prefetch_related(None)
        .prefetch_related(Prefetch("approvals", queryset=given))
        .filter(requested_at__lte=at)
    )


def as_they_stood(found: Iterable[ChangeRequest], at: datetime) -> list[ChangeRequest]:
    """The requests of `changes_at`, open where they were decided later. For reading; never saved."""
    stood = list(found)
    for change in stood:
        if change.decided_at is not None and change.decided_at > at:
            change.state, change.decided_at, change.closing_reason = (
                ChangeRequest.State.OPEN,
                None,
                "",
            )
    return stood


def change_at(change_id: UUID, at: datetime) -> ChangeRequest:
    """Raises NoSuchChange where it was not asked for yet."""
    found = as_they_stood(changes_at(at).filter(pk=change_id), at)
    if not found:
        raise NoSuchChange(f"There was no change request {change_id} at that time.")
    return found[0]


def open_changes() -> QuerySet[ChangeRequest]:
    return changes().filter(state=ChangeRequest.State.OPEN)


def changes_awaiting(user: User) -> list[ChangeRequest]:
    """Open changes that this person may decide, those that expire first at the top."""
    return [change for change in open_changes().order_by("expires_at") if may_decide(user, change)]


def may_decide(user: User, change: ChangeRequest) -> bool:
    """For showing a button; the act decides for itself, and by the same rules."""
    if user.pk in barred_from(change):
        return False
    return holds(user, "governance.decide_change") and seat_for(user, change) is not None


def deciders_of(change: ChangeRequest) -> list[User]:
    """Everybody who may decide the change as it stands, by name."""
    people = User.objects.filter(
        is_active=True,
        groups__permissions__content_type__app_label="governance",
        groups__permissions__codename="decide_change",
    )
    return [
        person for person in people.distinct().order_by("username") if may_decide(person, change)
    ]


def reminder_due(change: ChangeRequest, now: datetime) -> int | None:
    """The days of `REMIND_BEFORE` that the change has left at most, where nobody was reminded of it so late."""
    if now >= change.expires_at:
        return None
    reached = [days for days in REMIND_BEFORE if change.expires_at - now <= timedelta(days=days)]
    if not reached or change.reminders.filter(days_before__lte=min(reached)).exists():
        return None
    return min(reached)


def last_reminders(user: User) -> dict[UUID, ChangeReminder]:
    """The latest reminder of each open change that was addressed to this person, by change."""
    rows = ChangeReminder.objects.filter(change_request__state=ChangeRequest.State.OPEN)
    name = user.get_username()
    return {row.change_request_id: row for row in rows.order_by("id") if name in row.addressed_to}


def seats_awaited(change: ChangeRequest) -> list[str]:
    """The permissions of those whose approval the change still waits for; empty once it is closed."""
    if change.state != ChangeRequest.State.OPEN:
        return []
    taken = {approval.seat for approval in change.approvals.all()}
    tier = change.version.model.tier if change.version else None
    policy_kind = change.policy.kind if change.policy else ""
    asked = seats(change.kind, change.target, tier, policy_kind)
    return [seat for seat in asked if seat not in taken]


def seat_for(user: User, change: ChangeRequest) -> str | None:
    """The first seat that this person can take, through a role or for somebody who lent it."""
    awaited = seats_awaited(change)
    own = next((seat for seat in awaited if holds(user, seat)), None)
    return own or next((seat for seat in awaited if delegation_for(user, change, seat)), None)


def delegation_for(user: User, change: ChangeRequest, seat: str) -> Delegation | None:
    """By which delegation this person can take the seat: of somebody who could take it themselves."""
    lent = list(delegations_to(user, seat, timezone.now()))
    barred = barred_from(change) if lent else set()
    able = (each for each in lent if each.delegator_id not in barred and holds(each.delegator, seat))  # fmt: skip
    return next(able, None)


def barred_from(change: ChangeRequest) -> set[int]:
    """Who takes no seat of the change, in their own name or another's: makers, earlier checkers, and who took one."""
    taken = approvers_of(change) | principals_of(change)
    return makers_of(change) | earlier_checkers(change) | taken


def principals_of(change: ChangeRequest) -> set[int]:
    """For whom delegates approved the change, or cleared its version for staging where it is asked into production."""
    decided = Q(change_request=change)
    if change.target == ChangeRequest.Target.PRODUCTION:
        decided |= Q(change_request__in=_granted_for_staging(change.version_id))
    by_delegates = Approval.objects.filter(decided, decision=Approval.Decision.APPROVE)
    lent = by_delegates.filter(delegation__isnull=False)
    return set(lent.values_list("delegation__delegator", flat=True))


def _granted_for_staging(version_id: int | None) -> QuerySet[ChangeRequest]:
    return ChangeRequest.objects.filter(
        version=version_id,
        target=ChangeRequest.Target.STAGING,
        state=ChangeRequest.State.GRANTED,
    )


def approvers_of(change: ChangeRequest) -> set[int]:
    """Who approved this very change, by primary key."""
    approvals = change.approvals.all()
    return {each.approver_id for each in approvals if each.decision == Approval.Decision.APPROVE}


def champion_compared(change: ChangeRequest) -> ModelVersion | None:
    """The champion that whoever decides must see the version beside; None where there is nothing to compare."""
    if change.version is None or change.target != ChangeRequest.Target.PRODUCTION:
        return None
    now = champion(change.version.model)
    if now is None or now.contract_sha256 != change.version.contract_sha256:
        return None
    return now


def has_opened_comparison(user: User, change: ChangeRequest, with_champion: ModelVersion) -> bool:
    """Whether this person saw the comparison with that champion, on the evidence of the request."""
    since = with_champion.stage_changed_at
    return change.evidence_views.filter(
        viewer=user,
        part=EvidenceView.Part.COMPARISON,
        evidence_digest=change.evidence_digest,
        viewed_at__gte=since,
    ).exists()


def makers_of(change: ChangeRequest) -> set[int]:
    """Who asked for the change, and who made what it is about: its developer or author, and who registered it.

    An exception for a whole model is about every version's developer.
    """
    makers = {change.requested_by_id, change.made_by_id, *_registrar(change.version)}
    if change.version is not None and change.terms.get("whole_model"):
        makers |= developers_of(change.version.model)
    return makers


def built_by(version: ModelVersion) -> set[int]:
    """Who developed the version, and who registered it."""
    return {version.developed_by_id, *_registrar(version)}


def requesters_of(version: ModelVersion) -> set[int]:
    """Who asked for its training, and who ever asked for a change of it."""
    asked = ChangeRequest.objects.filter(version=version).values_list("requested_by", flat=True)
    return {version.run.requested_by_id, *asked}


def _registrar(version: ModelVersion | None) -> set[int]:
    """Who chose a version's cut-off and policies, which another than its developer may have done."""
    if version is None:
        return set()
    return set(
        map(int, Entry.objects.filter(pk=version.entry_id).values_list("actor_id", flat=True))
    )


def earlier_checkers(change: ChangeRequest) -> set[int]:
    """Who approved the version for staging, when it is to decide applications, all or a share of them."""
    decides = change.target == ChangeRequest.Target.PRODUCTION
    if not decides and change.kind != ChangeRequest.Kind.ROLLOUT:
        return set()
    return staging_approvers(change.version_id)


def staging_approvers(version_id: int | None) -> set[int]:
    """Who approved the version for staging, by primary key."""
    approvals = Approval.objects.filter(
        change_request__in=_granted_for_staging(version_id), decision=Approval.Decision.APPROVE
    )
    return set(approvals.values_list("approver", flat=True))


def latest_change(version: ModelVersion, target: str) -> ChangeRequest | None:
    """The newest request for that target, whatever became of it."""
    return changes().filter(version=version, target=target).first()


def latest_report(version: ModelVersion) -> GateReport | None:
    return version.gate_reports.select_related("policy").order_by("-id").first()


def current_evidence(change: ChangeRequest, at: datetime) -> dict[str, Any]:
    """What the change would be judged by now. Equal digests mean that nothing moved since the request."""
    if change.policy is not None:
        return policy_evidence(change.policy)
    if change.erasure_case is not None:
        return erasure_evidence(change.erasure_case, change.terms)
    assert change.version is not None
    return request_evidence(change.version, change.kind, change.target, change.terms, at)


def request_evidence(
    version: ModelVersion, kind: str, target: str, terms: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """The evidence of a request about a version: what every kind rests on, what this kind does, and its terms."""
    evidence = version_evidence(version, target or kind, at) | parts_of_kind(kind, version, at)
    return evidence | ({"terms": dict(terms)} if terms else {})


def version_evidence(version: ModelVersion, target: str, at: datetime) -> dict[str, Any]:
    """The evidence of DESIGN.md section 2; absent parts are None."""
    report = latest_report(version)
    policy = policy_for(Policy.Kind.GATE, version.model, at)
    return {
        "schema": EVIDENCE_SCHEMA,
        "model": version.model.name,
        "version": version.number,
        "target": target,
        "artefact_sha256": version.artefact_id,
        "dataset_sha256": [version.dataset.sha256],
        "contract_sha256": version.contract_sha256,
        "baseline_id": version.baseline_id,
        "cut_off": repr(version.cut_off),
        "decision_policy": version.decision_policy.sha256,
        "reason_library": version.reason_library.sha256,
        "gate_report_sha256": report.sha256 if report else None,
        "documents": approved_digests(version) or None,
        "gate_policy_sha256": policy.sha256 if policy else None,
    }


def erasure_evidence(case: ErasureCase, terms: Mapping[str, Any]) -> dict[str, Any]:
    """What a disputed request rests on: where it stands, what is disputed, and what would become of it undisputed,
    with holds and the ends of retention."""
    assessment = assessment_of(case)
    dispute = case.dispute
    return {
        "schema": EVIDENCE_SCHEMA,
        "case": str(case.pk),
        "state": case.state,
        "dispute": {
            "by": dispute.disputed_by,
            "ground": dispute.ground,
            "reason": dispute.reason,
            "entry": str(dispute.entry_id),
        },
        "weighed": assessment.as_json(),
        "weighed_digest": assessment.digest,
        "terms": dict(terms),
    }


def policy_evidence(policy: Policy) -> dict[str, Any]:
    return {
        "schema": EVIDENCE_SCHEMA,
        "policy": f"{policy.kind}/{policy.name}",
        "version": policy.version,
        "target": "adoption",
        "policy_sha256": policy.sha256,
    }


def is_stale(change: ChangeRequest, at: datetime) -> bool:
    """Whether the evidence is no longer the one that the request is bound to."""
    return digest_json(current_evidence(change, at)) != change.evidence_digest


def is_measured_now(version: ModelVersion, at: datetime) -> bool:
    """Whether the latest report is under the policy in force. Raises NoGatePolicy."""
    report = latest_report(version)
    return report is not None and report.policy_id == gate_policy(version.model, at).pk


def require_gate_passed(version: ModelVersion, at: datetime) -> GateReport:
    """The latest report, which passed under the policy in force. Raises NoGatePolicy or GateNotPassed."""
    policy = gate_policy(version.model, at)
    report = latest_report(version)
    if report is None:
        raise GateNotPassed(f"{version} was never measured. Measure its gates first.")
    if report.policy_id != policy.pk:
        raise GateNotPassed(f"{version} was measured under {report.policy}; {policy} is in force.")
    if not report.passed:
        raise GateNotPassed(f"{version} did not pass {policy}: see its gate report.")
    if ended := ended_exception(report, at):
        raise GateNotPassed(
            f"{version} passed by an exception from {ended.check_name}, which ended at {ended.expires_at:%Y-%m-%d %H:%M} UTC."
        )
    return report

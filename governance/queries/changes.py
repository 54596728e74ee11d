"""Named reads about change requests: who waits for whom, and what a decision rests on."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet

from audit.action import holds
from audit.canonical import digest_json
from audit.models import Entry
from governance.errors import GateNotPassed, NoSuchChange
from governance.models import Approval, ChangeRequest, EvidenceView, GateReport
from governance.queries.documents import approved_digests
from governance.queries.policies import gate_policy, policy_for
from governance.quorum import seats
from registry.models import ModelVersion, Policy
from registry.queries import champion

EVIDENCE_SCHEMA = "credence-evidence/1"


def change_with(change_id: UUID) -> ChangeRequest:
    """Raises NoSuchChange."""
    change = changes().filter(pk=change_id).first()
    if change is None:
        raise NoSuchChange(f"There is no change request {change_id}.")
    return change


def changes() -> QuerySet[ChangeRequest]:
    """All change requests, newest first, with what a reader asks for next."""
    return ChangeRequest.objects.select_related(
        "version__model", "version__developed_by", "policy", "requested_by", "made_by"
    ).prefetch_related("approvals__approver")


def changes_at(at: datetime) -> QuerySet[ChangeRequest]:
    """The change requests made by that time, with the approvals given by then; `as_they_stood` tells their states."""
    given = Approval.objects.filter(decided_at__lte=at).select_related("approver")
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
    if user.pk in makers_of(change) | earlier_checkers(change) | approvers_of(change):
        return False
    return holds(user, "governance.decide_change") and seat_for(user, change) is not None


def seats_awaited(change: ChangeRequest) -> list[str]:
    """The permissions of those whose approval the change still waits for; empty once it is closed."""
    if change.state != ChangeRequest.State.OPEN:
        return []
    taken = {approval.seat for approval in change.approvals.all()}
    tier = change.version.model.tier if change.version else None
    return [seat for seat in seats(change.kind, change.target, tier) if seat not in taken]


def seat_for(user: User, change: ChangeRequest) -> str | None:
    """The first seat that this person can take."""
    return next((seat for seat in seats_awaited(change) if holds(user, seat)), None)


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
    """Who asked for the change, and who made what it is about: its developer or author, and who registered it."""
    return {change.requested_by_id, change.made_by_id, *_registrar(change.version)}


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
    """Who approved the version for staging, when it is asked into production."""
    if change.target != ChangeRequest.Target.PRODUCTION:
        return set()
    return staging_approvers(change.version_id)


def staging_approvers(version_id: int | None) -> set[int]:
    """Who approved the version for staging, by primary key."""
    return set(
        Approval.objects.filter(
            change_request__version=version_id,
            change_request__target=ChangeRequest.Target.STAGING,
            change_request__state=ChangeRequest.State.GRANTED,
            decision=Approval.Decision.APPROVE,
        ).values_list("approver", flat=True)
    )


def latest_change(version: ModelVersion, target: str) -> ChangeRequest | None:
    """The newest request for that target, whatever became of it."""
    return changes().filter(version=version, target=target).first()


def latest_report(version: ModelVersion) -> GateReport | None:
    return version.gate_reports.select_related("policy").order_by("-id").first()


def current_evidence(change: ChangeRequest, at: datetime) -> dict[str, Any]:
    """What the change would be judged by now. Equal digests mean that nothing moved since the request."""
    if change.policy is not None:
        return policy_evidence(change.policy)
    assert change.version is not None
    return version_evidence(change.version, change.target or change.kind, at)


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
    return report

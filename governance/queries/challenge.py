"""The decisions of a period with what their makers had opened before, and what came of them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from governance.effective_challenge import REVERSED_WITHIN, Challenge, Measures, measures
from governance.models import Approval, ChangeRequest, EvidenceView, Rollback
from registry.history import champion_at
from registry.models import Stage, StageChange

SEE = "governance.view_effective_challenge"
USUAL = timedelta(days=90)
"""The period that is shown where none is asked for (our choice: one quarter)."""
Part = EvidenceView.Part
Kind, State = ChangeRequest.Kind, ChangeRequest.State
INSTANT = timedelta(microseconds=1)
Moments = dict[int, list[datetime]]


def measured_between(start: date, end: date, now: datetime) -> list[Measures]:
    """Of the decisions from the beginning of the first day to the end of the last, UTC."""
    began = datetime.combine(start, time.min, UTC)
    ended = datetime.combine(end + timedelta(days=1), time.min, UTC)
    return measures(challenges(began, ended, now))


def challenges(start: datetime, end: datetime, now: datetime) -> list[Challenge]:
    """Every decision made from `start` to before `end`, the oldest first, as it stands at `now`."""
    approvals = list(
        Approval.objects.filter(decided_at__gte=start, decided_at__lt=end)
        .select_related("approver", "change_request__version__model")
        .prefetch_related("conditions", "change_request__evidence_views")
        .order_by("decided_at", "pk")
    )
    versions = {
        each.change_request.version_id for each in approvals if each.change_request.version_id
    }
    undone = _undone(versions)
    return [_challenge(approval, undone, now) for approval in approvals]


def _challenge(approval: Approval, undone: dict[str, Moments], now: datetime) -> Challenge:
    change = approval.change_request
    views = [
        view
        for view in change.evidence_views.all()
        if view.viewer_id == approval.approver_id and view.viewed_at <= approval.decided_at
    ]
    took_effect = _took_effect(approval)
    granted_at = change.decided_at if took_effect else None
    return Challenge(
        approver=approval.approver.get_username(),
        approved=approval.decision == Approval.Decision.APPROVE,
        looked=approval.decided_at - min(view.viewed_at for view in views) if views else None,
        opened=frozenset(view.part for view in views),
        available=_available(approval),
        conditions=len(approval.conditions.all()),
        took_effect=took_effect,
        reversal=_reversal(change, granted_at, undone) if granted_at else None,
        is_watched=granted_at is not None and now < granted_at + REVERSED_WITHIN,
    )


def _took_effect(approval: Approval) -> bool:
    """Whether the approval moved a version into staging or production."""
    change = approval.change_request
    return (
        approval.decision == Approval.Decision.APPROVE
        and change.kind == Kind.PROMOTION
        and change.state == State.GRANTED
    )


def _available(approval: Approval) -> frozenset[str]:
    """The parts that the evidence had at the moment of the decision."""
    change = approval.change_request
    if change.version is None:
        return frozenset({str(Part.POLICY)} if change.policy_id else ())
    parts = {str(Part.PERFORMANCE)}
    if change.evidence.get("gate_report_sha256"):
        parts.add(str(Part.GATE_REPORT))
    if change.target == ChangeRequest.Target.PRODUCTION:
        # The decision itself may have made another champion.
        then = champion_at(change.version.model, approval.decided_at - INSTANT)
        if then is not None and then.contract_sha256 == change.version.contract_sha256:
            parts.add(str(Part.COMPARISON))
    return frozenset(parts)


def _undone(versions: Iterable[int]) -> dict[str, Moments]:
    """When versions were rolled back, revoked or suspended; a rollback and a revocation suspend as well."""
    rollbacks = Rollback.objects.filter(from_version__in=versions)
    revoked = ChangeRequest.objects.filter(
        kind=Kind.REVOCATION, state=State.GRANTED, version__in=versions
    )
    suspended = StageChange.objects.filter(version__in=versions, stage=Stage.SUSPENDED)
    return {
        "rollback": _by_version(rollbacks.values_list("from_version", "rolled_back_at")),
        "revocation": _by_version(revoked.values_list("version", "decided_at")),
        "suspension": _by_version(suspended.values_list("version", "changed_at")),
    }


def _by_version(rows: Iterable[tuple[int, datetime | None]]) -> Moments:
    found: Moments = defaultdict(list)
    for version, at in rows:
        if at is not None:
            found[version].append(at)
    return found


def _reversal(
    change: ChangeRequest, granted_at: datetime, undone: dict[str, Moments]
) -> str | None:
    """How the version was undone within the time that counts: the most particular name for it."""
    assert change.version_id is not None
    until = granted_at + REVERSED_WITHIN
    for name, moments in undone.items():
        if any(granted_at < at <= until for at in moments.get(change.version_id, ())):
            return name
    return None

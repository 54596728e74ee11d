"""Issuing notices, recording that they were sent, and leaving facts about clocks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record, require
from audit.ids import uuid7
from serving import queries
from serving.errors import (
    NoAdverseAction,
    NoSuchNotice,
    NotDecidedYet,
    NoticeAlreadyIssued,
)
from serving.events import Event
from serving.models import (
    ApplicationStatus,
    Decision,
    LateNotice,
    Notice,
    NoticeAlert,
    NoticeDelivery,
)
from serving.notices import due
from serving.notices.composing import adverse_action_notice
from serving.notices.deciding import about, action_taken, standing
from serving.notices.keeping import keep_delivery, keep_notice
from serving.policy import DecisionOutcome

LATE_AT_ONCE = 1_000


@action(Event.NOTICE_ISSUED, needs="serving.issue_notice")
def issue_notice(decision_id: UUID, *, by: User) -> Notice:
    """Compose the notice of a declined application by the policy of this day, and keep it for as long as the person.

    Whoever did not ask for the decision needs to see decisions. Raises NoSuchDecision, NotPermitted, AlreadyErased,
    NoAdverseAction, NotDecidedYet, NoticeAlreadyIssued, NoNoticePolicy, NoticeTextsMalformed, NoticeLanguageDiffers or
    KeyFactorsUnknown.
    """
    decision, now = _decision(decision_id, by), timezone.now()
    ruled = standing(decision)
    if ruled.outcome == DecisionOutcome.APPROVED:
        raise NoAdverseAction(f"Decision {decision.pk} approved the application.")
    if ruled.outcome == DecisionOutcome.REFERRED:
        raise NotDecidedYet(f"Decision {decision.pk} referred the application to a person.")
    if Notice.objects.filter(decision=decision).exists():
        raise NoticeAlreadyIssued(f"The notice of decision {decision.pk} was issued before.")
    policy = due.notice_policy(decision.version.model, now)
    texts = due.texts_of(policy)
    taken = action_taken(decision, ruled, texts.language)
    document = adverse_action_notice(texts, taken, about(decision), now)
    notice = Notice(
        id=uuid7(),
        decision=decision,
        application_id=decision.application_id,
        kind=Notice.Kind.ADVERSE_ACTION,
        policy=policy,
        language=texts.language,
        issued_at=now,
        issued_by=by,
    )
    keep_notice(notice, decision, document, kind=notice.kind)
    return notice


@action(Event.NOTICE_DELIVERED, needs="serving.record_delivery")
def record_delivery(decision_id: UUID, document: object, *, by: User) -> NoticeDelivery:
    """Record that the bank sent the notice of a decision. Sent again, it is recorded again.

    Raises NoSuchDecision, NotPermitted, NoSuchNotice, AlreadyErased, or InvalidDelivery with every field at fault.
    """
    decision, now = _decision(decision_id, by), timezone.now()
    notice = due.notice_of(decision)
    if notice is None:
        raise NoSuchNotice(f"No notice of decision {decision.pk} was issued that could be sent.")
    return keep_delivery(NoticeDelivery(notice=notice), decision, document, now, by)


@action(Event.NOTICES_DUE_SOON, needs="serving.watch_notices")
def alert_of_notices(
    model_name: str, day: int, waiting: int, since: datetime, until: datetime, *, by: User
) -> NoticeAlert:
    """Leave the fact that so many clocks of a model passed one of their alert days."""
    entry = record(
        subject=("registry.scoringmodel", model_name),
        alert_day=day,
        waiting=waiting,
        since=since,
        until=until,
    )
    return NoticeAlert.objects.create(
        model_name=model_name,
        alert_day=day,
        waiting=waiting,
        since=since,
        until=until,
        entry=entry,
    )


@action(Event.NOTICES_LATE, needs="serving.watch_notices")
def note_late_notices(*, by: User) -> list[LateNotice]:
    """Leave the fact, once, for each clock that ran out; at most so many at once, the rest at the next look."""
    now = timezone.now()
    decisions = due.newly_late_decisions(now)[:LATE_AT_ONCE]
    applications = due.newly_late_applications(now)[:LATE_AT_ONCE]
    facts = [_late(now, decision=decision) for decision in decisions]
    facts += [_late(now, status=status) for status in applications]
    return LateNotice.objects.bulk_create(facts, batch_size=500)


def _late(
    now: datetime, decision: Decision | None = None, status: ApplicationStatus | None = None
) -> LateNotice:
    row: Any = decision or status
    what = "decision" if decision else "incomplete application reported as"
    entry = record(subject=row, model=row.model_name, due_at=row.due_at, started_at=row.starts_at)
    return LateNotice(
        decision=decision,
        status=status,
        due_at=row.due_at,
        noticed_at=now,
        summary=f"{row.model_name}: nobody was told of {what} {row.pk} by {row.due_at:%Y-%m-%d %H:%M} UTC.",
        entry=entry,
    )


def _decision(decision_id: UUID, by: User) -> Decision:
    """The decision, for the client that asked for it or who may see decisions."""
    decision = queries.decision_with(decision_id)
    if decision.client_id != by.pk:
        require(by, "serving.view_decision")
    return decision

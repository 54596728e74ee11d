"""Validating models again: opened by a period or by an event, completed by somebody who did not develop them."""

from datetime import date, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import FieldProblem
from audit.months import months_after
from governance.errors import (
    DeveloperCannotJudge,
    NoSuchRevalidation,
    RevalidationAlreadyOpen,
    RevalidationCompleted,
    RevalidationMalformed,
    TierChangeAnswered,
)
from governance.events import Event
from governance.models import Revalidation, TierChangeAnswer
from governance.oversight_policy import OversightPolicy
from governance.queries.oversight import developers_of, unanswered_tier_changes
from governance.queries.policies import oversight_policy
from governance.words import require_words
from registry.applicable import policy_for
from registry.models import ModelRecord, Policy, ScoringModel

State = Revalidation.State


@action(Event.REVALIDATION_OPENED, needs="governance.open_revalidation")
def open_revalidation(model: ScoringModel, cause: str, due_on: date, *, by: User) -> Revalidation:
    """Say that a model is to be validated again, and by when. Raises RevalidationMalformed or RevalidationAlreadyOpen."""
    if cause not in Revalidation.Cause.values:
        problem = FieldProblem("cause", "unknown", f"One of {', '.join(Revalidation.Cause.values)}.")  # fmt: skip
        raise RevalidationMalformed("There is no such cause.", errors=[problem])
    if Revalidation.objects.filter(model=model, cause=cause, state=State.OPEN).exists():
        raise RevalidationAlreadyOpen(f"A revalidation of {model} for {cause} is open.")
    revalidation = Revalidation(
        model=model, cause=cause, due_on=due_on, opened_by=by, opened_at=timezone.now()
    )
    revalidation.entry = record(subject=revalidation, model=model.name, cause=cause, due_on=due_on)
    revalidation.save(force_insert=True)
    return revalidation


@action(Event.TIER_CHANGE_ANSWERED, needs="governance.open_revalidation")
def answer_tier_change(change: ModelRecord, *, by: User) -> TierChangeAnswer:
    """See that a tier change has its revalidation: the one that is open for such a cause, or a new one.

    It is due so many days after the change as the policy says for the new tier; at once where it says nothing.
    Raises TierChangeAnswered.
    """
    model = ScoringModel.objects.select_for_update().get(pk=change.model_id)
    if not unanswered_tier_changes().filter(pk=change.pk).exists():
        raise TierChangeAnswered(f"Nothing is to be done about revision {change.revision} of {model}.")  # fmt: skip
    cause = Revalidation.Cause.TIER_CHANGE
    revalidation = Revalidation.objects.filter(model=model, cause=cause, state=State.OPEN).first()
    if revalidation is None:
        revalidation = open_revalidation(model, cause, _due_after(change), by=by)
    return TierChangeAnswer.objects.create(
        change=change,
        revalidation=revalidation,
        answered_at=timezone.now(),
        entry=record(
            subject=revalidation,
            model=model.name,
            revision=change.revision,
            tier=change.body["tier"],
            changed_in=change.entry_id,
            due_on=revalidation.due_on,
        ),
    )


@action(Event.REVALIDATION_COMPLETED, needs="governance.complete_revalidation")
def complete_revalidation(
    revalidation_id: UUID, outcome: str, summary: str, *, by: User
) -> Revalidation:
    """Complete a revalidation; the next is due so many calendar months later as the policy says for the tier.

    Raises NoSuchRevalidation, RevalidationCompleted, DeveloperCannotJudge, RevalidationMalformed, RationaleMissing
    or NoOversightPolicy.
    """
    now = timezone.now()
    revalidation = Revalidation.objects.select_for_update().filter(pk=revalidation_id).first()
    if revalidation is None:
        raise NoSuchRevalidation(f"There is no revalidation {revalidation_id}.")
    if revalidation.state == State.COMPLETED:
        raise RevalidationCompleted(f"The revalidation was completed: {revalidation.outcome}.")
    model = revalidation.model
    if by.pk in developers_of(model):
        raise DeveloperCannotJudge(f"{by} developed {model} and cannot also validate it.")
    if outcome not in Revalidation.Outcome.values:
        problem = FieldProblem("outcome", "unknown", f"One of {', '.join(Revalidation.Outcome.values)}.")  # fmt: skip
        raise RevalidationMalformed("There is no such outcome.", errors=[problem])
    require_words("summary", summary, "Say what was validated and found.")
    policy, oversight = oversight_policy(model, now)
    revalidation.state, revalidation.outcome, revalidation.summary = (
        State.COMPLETED,
        outcome,
        summary,
    )
    revalidation.completed_by, revalidation.completed_at = by, now
    months = oversight.revalidation_months[str(model.tier)]
    revalidation.next_due_on = months_after(now.date(), months)
    revalidation.save(
        update_fields=[
            "state", "outcome", "summary", "completed_by", "completed_at", "next_due_on",
        ]
    )  # fmt: skip
    record(
        subject=revalidation,
        model=model.name,
        outcome=outcome,
        summary=summary,
        tier=model.tier,
        next_due_on=revalidation.next_due_on,
        policy=str(policy),
        policy_sha256=policy.sha256,
    )
    return revalidation


def _due_after(change: ModelRecord) -> date:
    policy = policy_for(Policy.Kind.OVERSIGHT, change.model, timezone.now())
    days = OversightPolicy.from_json(policy.body).tier_change_days if policy else {}
    return change.valid_from.date() + timedelta(days=days.get(str(change.body["tier"]), 0))

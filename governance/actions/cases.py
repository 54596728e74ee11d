"""The life of a retraining case: opened with its deadline, carried step by step, closed by a champion or with a cause."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.queries import service_account
from governance.actions.changes import withdraw_change
from governance.errors import (
    CandidateNotChampion,
    CaseAlreadyOpen,
    CaseClosed,
    ClockNotThere,
    NoSuchCase,
    StepTaken,
)
from governance.events import Event
from governance.models import CaseAlert, CaseStep, CaseWarning, RetrainingCase
from governance.queries.cases import step_of
from governance.queries.changes import open_changes
from governance.words import require_words
from monitoring.models import Alert
from registry.models import ModelVersion, ScoringModel, Stage

# The clock and the budgets of the steps are those of DOMAIN.md 6.5.
TIME_TO_ANSWER = timedelta(hours=24)
WARN_AT_PERCENT = (50, 75, 90)
HELD_FOR = timedelta(minutes=15)
"""A worker that has not ended its step by then is taken to have died (our choice); whoever takes over repeats nothing."""
BUDGET_MINUTES = {
    CaseStep.Name.DETECTED: 0,
    CaseStep.Name.TRIAGED: 2 * 60,
    CaseStep.Name.DATA_SNAPSHOTTED: 2 * 60,
    CaseStep.Name.TRAINED: 4 * 60,
    CaseStep.Name.VALIDATED: 6 * 60,
    CaseStep.Name.APPROVED: 8 * 60,
    CaseStep.Name.DEPLOYED: 2 * 60,
}
State = RetrainingCase.State


@action(Event.CASE_OPENED, needs="governance.open_case")
def open_case(
    model: ScoringModel, cause: str, reason: str, *, by: User, alerts: Sequence[Alert] = ()
) -> RetrainingCase:
    """Open a case; its deadline is 24 hours after the first alert was detected, or after now.

    Raises RationaleMissing or CaseAlreadyOpen.
    """
    require_words("reason", reason)
    if RetrainingCase.objects.filter(model=model, cause=cause, closed_at=None).exists():
        raise CaseAlreadyOpen(f"A case of {model} for {cause} is open.")
    now = timezone.now()
    detected_at = min((alert.detected_at for alert in alerts), default=now)
    case = RetrainingCase(
        model=model,
        cause=cause,
        reason=reason,
        window_start=min((alert.window_start for alert in alerts), default=None),
        window_end=max((alert.window_end for alert in alerts), default=now),
        detected_at=detected_at,
        due_at=detected_at + TIME_TO_ANSWER,
    )
    case.entry = record(
        subject=case,
        model=model.name,
        cause=cause,
        reason=reason,
        alerts=[alert.pk for alert in alerts],
        detected_at=detected_at,
        due_at=case.due_at,
    )
    case.save(force_insert=True)
    for alert in alerts:
        CaseAlert.objects.create(case=case, alert=alert, entry=case.entry)
    _detected(case, by)
    send_on_commit("governance.advance_case", str(case.pk))
    return case


@action(Event.CASE_ALERT_ATTACHED, needs="governance.open_case")
def attach_alert(case_id: UUID, alert: Alert, *, by: User) -> CaseAlert:
    """Answer a further alert of the same cause by an open case. Raises NoSuchCase or CaseClosed."""
    case = _open(case_id)
    entry = record(subject=case, alert=alert.pk, what=str(alert))
    return CaseAlert.objects.create(case=case, alert=alert, entry=entry)


@action(Event.CASE_STEP_STARTED, needs="governance.advance_case")
def begin_case_step(case_id: UUID, name: CaseStep.Name, *, by: User) -> CaseStep:
    """Take a step, or take it over from a worker that stopped. Raises NoSuchCase, CaseClosed or StepTaken."""
    case, now = _open(case_id), timezone.now()
    step = step_of(case, name)
    entry = record(subject=case, step=name, taken_over=step is not None)
    if step is None:
        step = CaseStep.objects.create(
            case=case,
            step=name,
            budget_minutes=BUDGET_MINUTES[name],
            actor=by,
            started_at=now,
            held_until=now + HELD_FOR,
            entry=entry,
        )
    elif not _free(case, name, now).update(held_until=now + HELD_FOR, actor=by):
        raise StepTaken(f"The step {name} of {case} is finished, or another worker is at it.")
    if name == CaseStep.Name.APPROVED and case.state == State.OPEN:
        _set_state(case, State.WAITING)
    return step


@action(Event.CASE_STEP_WAITING, needs="governance.advance_case")
def wait_in_case_step(
    case_id: UUID, name: CaseStep.Name, detail: Mapping[str, Any], *, by: User
) -> CaseStep:
    """Say what a step waits for, and let go of it: whoever looks next goes on. Raises NoSuchCase, CaseClosed or StepTaken."""
    case = _open(case_id)
    step = _unfinished(case, name)
    step.held_until, step.detail = timezone.now(), dict(detail)
    step.save(update_fields=["held_until", "detail"])
    record(subject=case, step=name, detail=dict(detail))
    return step


@action(Event.CASE_STEP_FINISHED, needs="governance.advance_case")
def finish_case_step(
    case_id: UUID,
    name: CaseStep.Name,
    outcome: CaseStep.Outcome,
    detail: Mapping[str, Any],
    *,
    by: User,
    candidate: ModelVersion | None = None,
) -> CaseStep:
    """End a step. One that `stopped` stops the case until a person closes it; the last one done closes it.

    Raises NoSuchCase, CaseClosed, StepTaken or CandidateNotChampion.
    """
    case, now = _open(case_id), timezone.now()
    step = _unfinished(case, name)
    step.finished_at, step.outcome, step.detail, step.actor = now, outcome, dict(detail), by
    step.save(update_fields=["finished_at", "outcome", "detail", "actor"])
    if candidate is not None:
        case.candidate_version = candidate
        case.save(update_fields=["candidate_version"])
    record(
        subject=case,
        step=name,
        outcome=outcome,
        detail=dict(detail),
        minutes=round((now - step.started_at).total_seconds() / 60, 2),
        budget_minutes=step.budget_minutes,
        candidate=str(candidate) if candidate else None,
    )
    if (name, outcome) == (CaseStep.Name.DEPLOYED, CaseStep.Outcome.DONE):
        close_with_champion(case.pk, by=by)
    return step


@action(Event.CASE_CLOSED, needs="governance.advance_case")
def close_with_champion(case_id: UUID, *, by: User) -> RetrainingCase:
    """Close a case whose candidate serves as champion. Raises NoSuchCase, CaseClosed or CandidateNotChampion."""
    case = _open(case_id)
    version = case.candidate_version
    if version is None or version.stage != Stage.PRODUCTION:
        raise CandidateNotChampion(f"The candidate of {case} is not in production.")
    return _close(case, State.CLOSED_CHAMPION, f"{version} is the champion.")


@action(Event.CASE_CLOSED, needs="governance.close_case")
def close_without_retraining(case_id: UUID, cause: str, *, by: User) -> RetrainingCase:
    """Close a case with the reason why no new model is needed, and take back what its worker asked for.

    Raises NoSuchCase, CaseClosed or RationaleMissing.
    """
    require_words("reason", cause)
    case = _close(_open(case_id), State.CLOSED_NO_RETRAIN, cause)
    retrainer = service_account("retrainer")
    asked = open_changes().filter(version=case.candidate_version, requested_by=retrainer)
    for change in asked if case.candidate_version else ():
        withdraw_change(change.pk, f"The case was closed: {cause}", by=retrainer)
    return case


@action(Event.CASE_CLOCK_WARNED, needs="governance.watch_clock")
def warn_of_clock(case_id: UUID, percent: int, *, by: User) -> CaseWarning:
    """Say that so much of the time is used up. Raises NoSuchCase, CaseClosed or ClockNotThere."""
    case, now = _open(case_id), timezone.now()
    if percent not in WARN_AT_PERCENT or case.used_share(now) * 100 < percent:
        raise ClockNotThere(f"{case} has not used {percent} % of its time.")
    entry = record(subject=case, percent=percent, due_at=case.due_at)
    return CaseWarning.objects.create(case=case, percent=percent, raised_at=now, entry=entry)


@action(Event.CASE_BREACHED, needs="governance.watch_clock")
def mark_breached(case_id: UUID, *, by: User) -> RetrainingCase:
    """Record that the deadline passed. Time grants no approval: the case stays to be answered.

    Raises NoSuchCase, CaseClosed or ClockNotThere.
    """
    case, now = _open(case_id), timezone.now()
    if case.state not in {State.OPEN, State.WAITING} or now < case.due_at:
        raise ClockNotThere(f"{case} is {case.state} and due at {case.due_at:%Y-%m-%d %H:%M} UTC.")
    _set_state(case, State.BREACHED)
    record(subject=case, due_at=case.due_at)
    return case


def _open(case_id: UUID) -> RetrainingCase:
    case = RetrainingCase.objects.select_for_update().filter(pk=case_id).first()
    if case is None:
        raise NoSuchCase(f"There is no retraining case {case_id}.")
    if case.is_closed:
        raise CaseClosed(f"{case} was closed: {case.closing_reason}")
    return case


def _detected(case: RetrainingCase, by: User) -> None:
    CaseStep.objects.create(
        case=case,
        step=CaseStep.Name.DETECTED,
        budget_minutes=BUDGET_MINUTES[CaseStep.Name.DETECTED],
        actor=by,
        started_at=case.detected_at,
        held_until=case.detected_at,
        finished_at=case.detected_at,
        outcome=CaseStep.Outcome.DONE,
        entry=case.entry,
    )


def _unfinished(case: RetrainingCase, name: CaseStep.Name) -> CaseStep:
    step = CaseStep.objects.select_for_update().filter(case=case, step=name).first()
    if step is None or step.finished_at is not None:
        raise StepTaken(f"The step {name} of {case} was not begun, or is finished.")
    return step


def _free(case: RetrainingCase, name: CaseStep.Name, now: datetime) -> QuerySet[CaseStep]:
    return CaseStep.objects.filter(case=case, step=name, finished_at=None, held_until__lte=now)


def _close(case: RetrainingCase, state: State, reason: str) -> RetrainingCase:
    """A breach stays on record: the case is closed, and its state keeps saying that it was late."""
    late = case.state in {State.BREACHED, State.CONTAINED}
    case.closed_at, case.closing_reason = timezone.now(), reason
    case.state = case.state if late else state
    case.save(update_fields=["closed_at", "closing_reason", "state"])
    record(subject=case, state=case.state, ended=state, reason=reason, late=late)
    return case


def _set_state(case: RetrainingCase, state: State) -> None:
    case.state = state
    case.save(update_fields=["state"])

"""Legal holds: placed and released by name. While one covers something, nothing of it is destroyed."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import turns
from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem, InvalidInput, NoSuchHold, Refusal
from audit.events import Event
from audit.ids import uuid7
from audit.models import LegalHold, Subject

Scope = LegalHold.Scope
FOLLOW = "audit.follow_holds"  # the archive holds what is covered, too
NEEDED = {
    "matter": "Give the matter's own number.",
    "custodian": "Say who answers for the hold.",
    "reason": "Say why the records must be kept.",
}


class HoldMalformed(InvalidInput):
    """A legal hold lacks something, or names something that cannot be."""


class HoldReleased(Refusal):
    """The legal hold was released."""


@dataclass(frozen=True)
class HoldOrder:
    """What is to be kept, for which matter, until when it is looked at again. Days are included; None is open."""

    matter: str
    scope: str
    custodian: str
    reason: str
    review_on: date
    subject_id: UUID | None = None
    model: str = ""
    first_on: date | None = None
    last_on: date | None = None


@action(Event.HOLD_PLACED, needs="audit.place_hold")
def place_hold(order: HoldOrder, *, by: User) -> LegalHold:
    """From now on nothing that it covers is erased or ended. Raises HoldMalformed."""
    turns.placing_hold()
    _require_sound(order)
    hold = LegalHold(
        id=uuid7(),
        matter=order.matter,
        scope=order.scope,
        subject_id=order.subject_id,
        model_name=order.model,
        first_on=order.first_on,
        last_on=order.last_on,
        custodian=order.custodian,
        reason=order.reason,
        review_on=order.review_on,
        placed_by=by.get_username(),
        placed_at=timezone.now(),
    )
    hold.entry = record(
        subject=_named(hold), reason=hold.reason, review_on=hold.review_on, **_covered(hold)
    )
    hold.save(force_insert=True)
    send_on_commit(FOLLOW)
    return hold


@action(Event.HOLD_RELEASED, needs="audit.release_hold")
def release_hold(hold_id: UUID, reason: str, *, by: User) -> LegalHold:
    """End a hold. What it kept is erased by its own rules again. Raises NoSuchHold, HoldReleased or HoldMalformed."""
    hold = LegalHold.objects.select_for_update().filter(pk=hold_id).first()
    if hold is None:
        raise NoSuchHold(f"There is no legal hold {hold_id}.")
    if hold.released_at is not None:
        raise HoldReleased(f"The hold was released by {hold.released_by}: {hold.release_reason}")
    if not reason.strip():
        problem = FieldProblem("reason", "missing", "Say why the matter no longer needs it.")
        raise HoldMalformed("A hold is released with a reason.", errors=[problem])
    hold.released_by, hold.released_at = by.get_username(), timezone.now()
    hold.release_reason = reason
    hold.save(update_fields=["released_by", "released_at", "release_reason"])
    record(subject=_named(hold), reason=reason, **_covered(hold))
    send_on_commit(FOLLOW)
    return hold


def _named(hold: LegalHold) -> tuple[str, str]:
    return ("audit.legalhold", str(hold.pk))


def _covered(hold: LegalHold) -> dict[str, Any]:
    return {
        "matter": hold.matter,
        "scope": hold.scope,
        "person": hold.subject_id,
        "model": hold.model_name or None,
        "from": hold.first_on,
        "to": hold.last_on,
        "custodian": hold.custodian,
    }


def _require_sound(order: HoldOrder) -> None:
    problems = [
        FieldProblem(name, "missing", detail)
        for name, detail in NEEDED.items()
        if not getattr(order, name).strip()
    ]
    if order.review_on <= timezone.now().date():
        problems.append(FieldProblem("review_on", "out_of_range", "Must lie in the future."))
    if order.first_on and order.last_on and order.first_on > order.last_on:
        problems.append(FieldProblem("to", "out_of_range", "The last day is before the first."))
    problems += _scope_problems(order)
    if problems:
        raise HoldMalformed("The hold cannot be placed.", errors=problems)


def _scope_problems(order: HoldOrder) -> list[FieldProblem]:
    if order.scope not in Scope.values:
        return [FieldProblem("scope", "unknown", f"One of {', '.join(Scope.values)}.")]
    problems = []
    if (order.scope == Scope.MODEL) != bool(order.model):
        problems.append(
            FieldProblem("model", "missing", "A hold on a model names it, and no other hold does.")
        )
    if (order.scope == Scope.SUBJECT) != (order.subject_id is not None):
        problems.append(
            FieldProblem(
                "subject_id", "missing", "A hold on a person names them, and no other hold does."
            )
        )
    elif order.subject_id and not Subject.objects.filter(pk=order.subject_id).exists():
        problems.append(FieldProblem("subject_id", "unknown", "The vault knows no such person."))
    return problems

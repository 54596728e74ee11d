"""The quarterly review of who holds which role: opened for everybody, decided role by role by somebody else."""

from datetime import date, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import FieldProblem
from governance.actions.accounts import revoke_role
from governance.errors import (
    NoRecertificationRules,
    NoSuchRecertification,
    NotLate,
    OwnRole,
    RecertificationExists,
    RecertificationMalformed,
    RoleDecidedAlready,
)
from governance.events import Event
from governance.models import LateRecertification, Recertification, RoleDecision, RoleHeld
from governance.queries.policies import oversight_for_all
from governance.queries.recertification import (
    newly_late_recertifications,
    quarter_of,
    role_held_with,
    roles_held_now,
    undecided_roles,
)
from governance.words import require_words


@action(Event.RECERTIFICATION_OPENED, needs="governance.open_recertification")
def open_recertification(due_on: date | None = None, *, by: User) -> Recertification:
    """Ask about every role that every person holds today; without `due_on` the policy's days count.

    Raises RecertificationExists, NoRecertificationRules or RecertificationMalformed.
    """
    now = timezone.now()
    quarter = quarter_of(now.date())
    if Recertification.objects.filter(quarter=quarter).exists():
        raise RecertificationExists(f"The roles of {quarter} are being certified, or were.")
    policy, oversight = oversight_for_all(now) or (None, None)
    if due_on is None:
        if oversight is None or oversight.recertification_days is None:
            raise NoRecertificationRules("No oversight policy for all models says by when.")
        due_on = now.date() + timedelta(days=oversight.recertification_days)
    if due_on < now.date():
        problem = FieldProblem("due_on", "out_of_range", "Must not lie in the past.")
        raise RecertificationMalformed("There has to be time to decide.", errors=[problem])
    recertification = Recertification(
        quarter=quarter, due_on=due_on, policy=policy, opened_by=by, opened_at=now
    )
    held = list(roles_held_now())
    recertification.entry = record(
        subject=recertification,
        quarter=quarter,
        due_on=due_on,
        policy=str(policy) if policy else None,
        roles=[{"holder": user.get_username(), "role": role} for user, role in held],
    )
    recertification.save(force_insert=True)
    RoleHeld.objects.bulk_create(
        RoleHeld(
            recertification=recertification, holder=user, role=role, entry=recertification.entry
        )
        for user, role in held
    )
    return recertification


@action(Event.ROLE_RECERTIFIED, needs="governance.certify_role")
def decide_role(held_id: UUID, decision: str, reason: str, *, by: User) -> RoleDecision:
    """Certify that somebody else still needs a role, or revoke it. After the due date too.

    Raises NoSuchRoleHeld, RecertificationMalformed, OwnRole, RationaleMissing, RoleDecidedAlready, or what
    `revoke_role` raises.
    """
    held = role_held_with(held_id)
    if decision not in RoleDecision.Decision.values:
        detail = f"One of {', '.join(RoleDecision.Decision.values)}."
        problem = FieldProblem("decision", "unknown", detail)
        raise RecertificationMalformed("There is no such decision.", errors=[problem])
    if held.holder_id == by.pk:
        raise OwnRole(f"{by} holds this role; somebody else says whether they need it.")
    require_words("reason", reason, "Say why the role is needed, or is not.")
    RoleHeld.objects.select_for_update().get(pk=held.pk)
    if RoleDecision.objects.filter(held=held).exists():
        raise RoleDecidedAlready(f"It is decided about {held}.")
    entry = record(
        subject=held.recertification,
        quarter=held.recertification.quarter,
        holder=held.holder.get_username(),
        role=held.role,
        decision=decision,
        reason=reason,
    )
    if decision == RoleDecision.Decision.REVOKE:
        revoke_role(held.holder, held.role, by=by)
    return RoleDecision.objects.create(
        held=held,
        decision=decision,
        reason=reason,
        decided_by=by,
        decided_at=timezone.now(),
        entry=entry,
    )


@action(Event.RECERTIFICATION_LATE, needs="governance.watch_clock")
def notice_late_recertification(recertification_id: UUID, *, by: User) -> LateRecertification:
    """Leave the fact that roles were not decided in time, and whose they are; nothing is taken from anybody.

    Raises NoSuchRecertification or NotLate.
    """
    found = Recertification.objects.select_for_update().filter(pk=recertification_id).first()
    if found is None:
        raise NoSuchRecertification(f"There is no recertification {recertification_id}.")
    now = timezone.now()
    if not newly_late_recertifications(now.date()).filter(pk=found.pk).exists():
        raise NotLate(f"Nothing of {found} is late that nobody knows of.")
    open_roles = undecided_roles().filter(recertification=found)
    names = [str(held) for held in open_roles]
    entry = record(
        subject=found,
        quarter=found.quarter,
        due_on=found.due_on,
        roles=[{"holder": held.holder.get_username(), "role": held.role} for held in open_roles],
    )
    return LateRecertification.objects.create(
        recertification=found,
        summary=f"Not certified by {found.due_on}: {'; '.join(names)}",
        noticed_at=now,
        entry=entry,
    )

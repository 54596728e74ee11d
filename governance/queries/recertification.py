"""Named reads about the quarterly review of roles: what was decided, and what still is to be."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db.models import Exists, OuterRef, QuerySet

from governance.errors import NoSuchRecertification, NoSuchRoleHeld
from governance.models import LateRecertification, Recertification, RoleHeld
from governance.queries.policies import oversight_for_all
from governance.roles import ROLES, SERVICE_ACCOUNTS


def quarter_of(day: date) -> str:
    """2026-Q4."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def recertifications() -> QuerySet[Recertification]:
    """All reviews, newest first."""
    return Recertification.objects.select_related("opened_by", "policy").prefetch_related(
        "roles__holder", "roles__decided__decided_by"
    )


def recertification_with(recertification_id: UUID) -> Recertification:
    """Raises NoSuchRecertification."""
    found = recertifications().filter(pk=recertification_id).first()
    if found is None:
        raise NoSuchRecertification(f"There is no recertification {recertification_id}.")
    return found


def role_held_with(held_id: UUID) -> RoleHeld:
    """Raises NoSuchRoleHeld."""
    held = RoleHeld.objects.select_related("recertification", "holder").filter(pk=held_id).first()
    if held is None:
        raise NoSuchRoleHeld(f"No recertification asks about a role {held_id}.")
    return held


def roles_held_now() -> Iterator[tuple[User, str]]:
    """Every role that every active account holds, by name; processes of ours hold none that anybody gave them."""
    people = User.objects.filter(is_active=True).exclude(username__in=SERVICE_ACCOUNTS)
    for user in people.order_by("username").prefetch_related("groups"):
        for role in sorted(group.name for group in user.groups.all() if group.name in ROLES):
            yield user, role


def undecided_roles() -> QuerySet[RoleHeld]:
    """What nobody decided about and is still held, the oldest review first."""
    still = Group.objects.filter(
        user=OuterRef("holder"), user__is_active=True, name=OuterRef("role")
    )
    return (
        RoleHeld.objects.filter(Exists(still), decided=None)
        .select_related("holder", "recertification")
        .order_by("recertification", "holder__username", "role")
    )


def unfinished_recertifications() -> QuerySet[Recertification]:
    """Reviews in which something is undecided, the oldest first."""
    undecided = undecided_roles().filter(recertification=OuterRef("pk")).order_by()
    return Recertification.objects.filter(Exists(undecided)).order_by("due_on")


def newly_late_recertifications(today: date) -> QuerySet[Recertification]:
    """Unfinished reviews whose day has passed, where nobody noticed it."""
    noticed = LateRecertification.objects.filter(recertification=OuterRef("pk"))
    return unfinished_recertifications().filter(~Exists(noticed), due_on__lt=today)


def is_recertification_due(now: datetime) -> bool:
    """Whether the policy asks for a review in this quarter that nobody opened."""
    found = oversight_for_all(now)
    if found is None or found[1].recertification_days is None:
        return False
    return not Recertification.objects.filter(quarter=quarter_of(now.date())).exists()

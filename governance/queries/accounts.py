"""Named reads about accounts."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet

from governance.errors import NoSuchAccount
from governance.models import SignInGuard
from governance.roles import ROLES


def account(username: str) -> User:
    """Raises NoSuchAccount."""
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist:
        raise NoSuchAccount(f"There is no account {username}.") from None


def accounts() -> QuerySet[User]:
    """Everybody, and our own processes, by name."""
    return User.objects.order_by("username").prefetch_related("groups")


def roles_of(user: User) -> list[str]:
    """The roles that a person holds; a service account holds none."""
    return sorted(group.name for group in user.groups.all() if group.name in ROLES)


def is_locked(user: User, now: datetime) -> bool:
    """Whether sign-in to the account is refused, because it failed too often."""
    return SignInGuard.objects.filter(user=user, locked_until__gt=now).exists()

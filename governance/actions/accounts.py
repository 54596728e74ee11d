"""Accounts, roles and tokens. Every one of these is an act: who may act is itself on record."""

from collections.abc import Sequence
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from knox.models import AuthToken

from audit.action import action, record
from audit.errors import FieldProblem, InvalidInput
from governance.errors import (
    AccountExists,
    NoSuchToken,
    OwnAccountFixed,
    PasswordTooWeak,
    RoleNotHeld,
    ServiceAccountFixed,
    UnknownRole,
)
from governance.events import Event
from governance.roles import ROLES, SERVICE_ACCOUNTS

LONGEST_TOKEN_DAYS = 365
"""A client system renews its token at least once a year (our choice)."""


@action(Event.USER_CREATED, needs="governance.create_user")
def create_user(
    username: str, *, by: User, password: str | None = None, roles: Sequence[str] = ()
) -> User:
    """An account for a person, who signs in with a password, or for a client system, which has none and uses tokens.

    Raises AccountExists, InvalidInput for a name that cannot be one, PasswordTooWeak or UnknownRole.
    """
    user = User(username=username, is_staff=password is not None)
    _require_usable_name(user)
    if password is None:
        user.set_unusable_password()
    else:
        _require_strong(password, user)
        user.set_password(password)
    user.save(force_insert=True)
    record(subject=user, signs_in=user.is_staff)
    for role in roles:
        grant_role(user, role, by=by)
    return user


@action(Event.ROLE_GRANTED, needs="governance.grant_role")
def grant_role(user: User, role: str, *, by: User) -> None:
    """Raises UnknownRole, ServiceAccountFixed, or OwnAccountFixed for a role for oneself."""
    _require_changeable(user, by)
    user.groups.add(_group(role))
    record(subject=user, role=role)


@action(Event.ROLE_REVOKED, needs="governance.grant_role")
def revoke_role(user: User, role: str, *, by: User) -> None:
    """Takes effect with the next act of its holder. Raises UnknownRole, RoleNotHeld, ServiceAccountFixed or OwnAccountFixed."""
    _require_changeable(user, by)
    group = _group(role)
    if not user.groups.filter(pk=group.pk).exists():
        raise RoleNotHeld(f"{user.get_username()} does not hold the role {role}.")
    user.groups.remove(group)
    record(subject=user, role=role)


@action(Event.TOKEN_ISSUED, needs="governance.issue_token")
def issue_token(user: User, *, by: User, days: int = 90) -> tuple[AuthToken, str]:
    """A token for the REST API, and its text, which is shown once and kept nowhere.

    Raises ServiceAccountFixed for an account of our own processes, InvalidInput for a life of other than 1 to 365 days.
    """
    _require_no_service_account(user)
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        problem = FieldProblem("days", "out_of_range", f"Give 1 to {LONGEST_TOKEN_DAYS} days.")
        raise InvalidInput("A token has an end.", errors=[problem])
    token, text = AuthToken.objects.create(user=user, expiry=timedelta(days=days))
    record(subject=user, token_key=token.token_key, expires_at=token.expiry)
    return token, text


@action(Event.TOKEN_REVOKED, needs="governance.issue_token")
def revoke_token(token_key: str, *, by: User) -> None:
    """Raises NoSuchToken."""
    token = AuthToken.objects.select_related("user").filter(token_key=token_key).first()
    if token is None:
        raise NoSuchToken(f"There is no token {token_key}.")
    token.delete()
    record(subject=token.user, token_key=token_key)


@action(Event.USER_DEACTIVATED, needs="governance.deactivate_user")
def deactivate_user(user: User, *, by: User) -> None:
    """Close an account: its sessions, tokens and roles stop working at once; its name stays on what it did.

    Raises ServiceAccountFixed or OwnAccountFixed.
    """
    _require_changeable(user, by)
    user.is_active = False
    user.save(update_fields=["is_active"])
    tokens = AuthToken.objects.filter(user=user)
    record(subject=user, token_keys=sorted(tokens.values_list("token_key", flat=True)))
    tokens.delete()


def _require_usable_name(user: User) -> None:
    if User.objects.filter(username__iexact=user.username).exists():
        raise AccountExists(f"There is an account {user.username} already.")
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as problem:
        errors = [
            FieldProblem(field, "malformed", " ".join(messages))
            for field, messages in problem.message_dict.items()
        ]
        raise InvalidInput("That cannot be the name of an account.", errors=errors) from None


def _require_strong(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as problem:
        errors = [FieldProblem("password", "too_weak", message) for message in problem.messages]
        raise PasswordTooWeak("Choose another password.", errors=errors) from None


def _require_changeable(user: User, by: User) -> None:
    _require_no_service_account(user)
    if user.pk == by.pk:
        raise OwnAccountFixed("Nobody changes their own roles or closes their own account.")


def _require_no_service_account(user: User) -> None:
    if user.get_username() in SERVICE_ACCOUNTS:
        raise ServiceAccountFixed(
            f"{user.get_username()} is an account of our own processes; its permissions come from the matrix."
        )


def _group(role: str) -> Group:
    if role not in ROLES:
        problem = FieldProblem("role", "unknown", f"Roles are {', '.join(ROLES)}.")
        raise UnknownRole("There is no such role.", errors=[problem])
    return Group.objects.get(name=role)

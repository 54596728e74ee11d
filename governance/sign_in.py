"""The edge where people sign in: locked accounts are refused, and every attempt on an account is recorded."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from audit.context import acting
from audit.queries import service_account
from governance.actions.sign_ins import record_failed_sign_in, record_sign_in
from governance.queries.accounts import is_locked


class GuardedBackend(ModelBackend):
    """Django's passwords, refused while an account is locked, right or wrong."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        user = _account(username)
        if user is not None and is_locked(user, timezone.now()):
            raise PermissionDenied
        return super().authenticate(request, username=username, password=password, **kwargs)


def on_sign_in(sender: type, user: User, **_: object) -> None:
    with acting(on_behalf_of=user.get_username(), trigger="sign-in"):
        record_sign_in(user, by=service_account("monitor"))


def on_failure(sender: type, credentials: dict[str, Any], **_: object) -> None:
    """A name that nobody has is not recorded: it may be a password typed into the wrong field."""
    user = _account(credentials.get("username"))
    if user is None or is_locked(user, timezone.now()):
        return
    with acting(trigger="sign-in"):
        record_failed_sign_in(user, by=service_account("monitor"))


def connect() -> None:
    user_logged_in.connect(on_sign_in, dispatch_uid="governance.sign_in")
    user_login_failed.connect(on_failure, dispatch_uid="governance.sign_in_failed")


def _account(username: str | None) -> User | None:
    return User.objects.filter(username=username).first() if username else None

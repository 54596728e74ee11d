"""What signing in leaves behind. Nobody has an identity yet when it fails, so the monitor account records it."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.events import Event
from governance.models import SignInGuard

# Our choice: guessing is slow, and a person who mistyped need not call anybody.
FAILURES_ALLOWED = 5
WINDOW = timedelta(minutes=15)
LOCKED_FOR = timedelta(minutes=15)


@action(Event.SIGNED_IN, needs="governance.record_sign_in")
def record_sign_in(user: User, *, by: User) -> None:
    """Someone signed in; earlier failures no longer count."""
    SignInGuard.objects.filter(user=user).update(
        failures=0, first_failed_at=None, locked_until=None
    )
    record(subject=user)


@action(Event.SIGN_IN_FAILED, needs="governance.record_sign_in")
def record_failed_sign_in(user: User, *, by: User) -> SignInGuard:
    """Count a failure; the fifth within 15 minutes locks the account for 15 minutes."""
    now = timezone.now()
    SignInGuard.objects.get_or_create(user=user)
    guard = SignInGuard.objects.select_for_update().get(user=user)
    _count(guard, now)
    guard.save()
    record(subject=user, failures=guard.failures, locked_until=guard.locked_until)
    return guard


@action(Event.PASSWORD_CHANGED, needs="governance.record_sign_in")
def change_password(user: User, password: str, *, by: User) -> User:
    """Someone who is signed in, and gave the old password, chose another one."""
    user.set_password(password)
    user.save(update_fields=["password"])
    record(subject=user)
    return user


def _count(guard: SignInGuard, now: datetime) -> None:
    if guard.first_failed_at is None or now - guard.first_failed_at > WINDOW:
        guard.first_failed_at, guard.failures, guard.locked_until = now, 0, None
    guard.failures += 1
    if guard.failures >= FAILURES_ALLOWED:
        guard.locked_until = now + LOCKED_FOR

"""Recognising a client system by its token: one statement, and none for the second after it.

So a token that was revoked in another process is taken for up to TRUSTED_SECONDS more. What it may do is asked anew by
every act: who was deactivated, or lost a role, does nothing in that second.
"""

from threading import Lock
from time import monotonic
from typing import Any

from django.contrib.auth.models import User
from django.db.models import CharField
from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from audit.statements import CompiledQuery, Parameter

TRUSTED_SECONDS = 1.0
MOST_TRUSTED = 1_000
_USER_FIELDS = [field.attname for field in User._meta.concrete_fields]
_TOKEN = CompiledQuery(
    lambda: AuthToken.objects.filter(digest=Parameter("digest", CharField())).values_list(
        "expiry", "token_key", *[f"user__{name}" for name in _USER_FIELDS]
    )
)
_trusted: dict[str, tuple[float, AuthToken]] = {}  # by digest: when it was read, and what
_lock = Lock()


class CompiledTokenAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """knox's own, asked by the token's digest: it composes two queries anew for every request and reads all tokens of a client.

    What has expired is refused and stays where it is.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        try:
            digest = hash_token(token.decode("utf-8"))
        except (TypeError, ValueError):
            raise AuthenticationFailed("Invalid token.") from None
        known = _recognised(digest)
        if known is None or (known.expiry is not None and known.expiry < timezone.now()):
            raise AuthenticationFailed("Invalid token.")
        if not known.user.is_active:
            raise AuthenticationFailed("User inactive or deleted.")
        return known.user, known


def _recognised(digest: str) -> AuthToken | None:
    """The token with its account, which requests of that second share: they read it, and change nothing."""
    now = monotonic()
    read_at, known = _trusted.get(digest, (0.0, None))
    if known is not None and now - read_at < TRUSTED_SECONDS:
        return known
    row: tuple[Any, ...] | None = _TOKEN.row(digest=digest)
    if row is None:
        return None
    user = User.from_db("default", _USER_FIELDS, row[2:])
    token = AuthToken(digest=digest, token_key=row[1], expiry=row[0], user=user)
    with _lock:
        if len(_trusted) >= MOST_TRUSTED:
            _trusted.clear()
        _trusted[digest] = now, token
    return token


def _forget(**_: Any) -> None:
    """What this process changes itself counts once it is committed, as a rule; a second later in any case."""
    with _lock:
        _trusted.clear()


for changed in (AuthToken, User):
    post_save.connect(_forget, sender=changed)
    post_delete.connect(_forget, sender=changed)


class CompiledTokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # it registers itself
    """How the API's description names it: as knox's own."""

    target_class = "governance.token_authentication.CompiledTokenAuthentication"

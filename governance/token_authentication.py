"""Recognising a client system by its token, in one statement."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models import CharField
from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from audit.statements import CompiledQuery, Parameter

_USER_FIELDS = [field.attname for field in User._meta.concrete_fields]
_TOKEN = CompiledQuery(
    lambda: AuthToken.objects.filter(digest=Parameter("digest", CharField())).values_list(
        "expiry", "token_key", *[f"user__{name}" for name in _USER_FIELDS]
    )
)


class CompiledTokenAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox ships no types
    """knox's own, asked by the token's digest: it composes two queries anew for every request and reads all tokens of a client.

    What has expired is refused and stays where it is.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        try:
            digest = hash_token(token.decode("utf-8"))
        except (TypeError, ValueError):
            raise AuthenticationFailed("Invalid token.") from None
        row: tuple[Any, ...] | None = _TOKEN.row(digest=digest)
        if row is None or (row[0] is not None and row[0] < timezone.now()):
            raise AuthenticationFailed("Invalid token.")
        user = User.from_db("default", _USER_FIELDS, row[2:])
        if not user.is_active:
            raise AuthenticationFailed("User inactive or deleted.")
        return user, AuthToken(digest=digest, token_key=row[1], expiry=row[0], user=user)


class CompiledTokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # it registers itself
    """How the API's description names it: as knox's own."""

    target_class = "governance.token_authentication.CompiledTokenAuthentication"

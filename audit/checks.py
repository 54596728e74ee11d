"""Deploy checks: the service does not start where a trigger or a key is missing."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from audit import keys, partitions, triggers
from audit.errors import Refusal

SHOWN = 3  # of what is missing


class NotFitToServe(ImproperlyConfigured):
    """A trigger or a key is missing: what such a process wrote could not be trusted."""


def require_fit_to_serve() -> None:
    """What a web server asks before it takes a request, because it runs no checks by itself. Raises NotFitToServe."""
    found = [*keys_can_be_read(), *every_trigger_is_there(databases=["default"])]
    if found:
        more = f" And {len(found) - SHOWN} more." if len(found) > SHOWN else ""
        raise NotFitToServe(" ".join(str(message.msg) for message in found[:SHOWN]) + more)


@register(Tags.database, deploy=True)
def every_trigger_is_there(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for alias in databases or []:
        MigrationLoader(None)  # importing the migrations declares the triggers
        for name in triggers.missing(connections[alias]):
            found.append(
                Error(
                    f"The trigger {name} is missing in the database.",
                    hint="Someone removed it, or a migration has not run. See SECURITY.md.",
                    id="audit.E001",
                )
            )
    return found


@register(Tags.database, deploy=True)
def months_are_made_ahead(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """A warning: what comes later goes into the default part, and nothing is refused."""
    shortages = [partitions.shortage(connections[alias]) for alias in databases or []]
    return [Warning(text, id="audit.W001") for text in shortages if text]


@register(Tags.security, deploy=True)
def keys_can_be_read(**_: Any) -> list[CheckMessage]:
    try:
        keys.producer()
        keys.vault_key()
    except Refusal as refusal:
        return [Error(refusal.detail, id="audit.E002")]
    return []

"""Deploy checks: the service does not start where a trigger or a key is missing."""

import logging
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections
from django.db.migrations.loader import MigrationLoader

from audit import keyring, keys, partitions, triggers
from audit.archive.stores import archive_store
from audit.errors import Refusal
from audit.schedules import retention_schedule

SHOWN = 3  # of what is missing
DATABASE_PATIENCE = 120.0  # seconds that a web worker waits for the database as it begins
logger = logging.getLogger(__name__)


class NotFitToServe(ImproperlyConfigured):
    """A trigger or a key is missing: what such a process wrote could not be trusted."""


def require_fit_to_serve() -> None:
    """What a web server asks before it takes a request, because it runs no checks by itself. Raises NotFitToServe.

    A database that is away is waited for: a worker that ended would begin at once again, and its server counts that.
    """
    _await_database()
    found = [*keys_can_be_read(), *every_trigger_is_there(databases=["default"])]
    if found:
        more = f" And {len(found) - SHOWN} more." if len(found) > SHOWN else ""
        raise NotFitToServe(" ".join(str(message.msg) for message in found[:SHOWN]) + more)


def _await_database() -> None:
    """Return when the database answers. Raises OperationalError after DATABASE_PATIENCE seconds."""
    deadline = monotonic() + DATABASE_PATIENCE
    while True:
        try:
            connections["default"].ensure_connection()
            return
        except OperationalError as problem:
            if monotonic() > deadline:
                raise
            logger.warning("The database does not answer yet: %s", problem)
            sleep(1)


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


@register(Tags.security, deploy=True)
def the_producer_key_lasts(**_: Any) -> list[CheckMessage]:
    """A warning in its last week. That it is missing or over is an error of `keys_can_be_read`."""
    try:
        warning = keys.expiry_warning()
    except Refusal:
        return []
    return [Warning(warning, id="audit.W011")] if warning else []


@register(Tags.security, deploy=True)
def the_log_signs_where_it_is_told_to(**_: Any) -> list[CheckMessage]:
    """CREDENCE_LOG_KEYS is for a log that is opened; afterwards only a rotation moves its keys."""
    try:
        signing = keyring.read(keys.folder()).keys_of(keys.current_origin())
    except Refusal:
        return []
    used = {key.address for key in signing}
    named = [a for a in settings.CREDENCE_LOG_KEYS if a not in used and not a.startswith("file:")]
    return [
        Warning(
            f"CREDENCE_LOG_KEYS names {address}, and the log does not sign with it.",
            hint=f"`manage.py keys rotate --key log --to {address}` puts it to use.",
            id="audit.W012",
        )
        for address in named
    ]


@register(Tags.security, deploy=True)
def the_archive_can_keep_what_it_is_given(**_: Any) -> list[CheckMessage]:
    try:
        archive_store().require_ready()
        retention_schedule()
    except Refusal as refusal:
        return [Error(refusal.detail, id="audit.E003")]
    return []

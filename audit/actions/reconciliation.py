"""What the log holds of an hour, said in the log itself."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from audit import keys
from audit.action import action, record
from audit.events import Event
from audit.models import Entry
from audit.reconciliation import HOUR, counted


@action(Event.RECONCILIATION, needs="audit.write_heartbeat")
def write_reconciliation(begin: datetime, *, by: User) -> Entry:
    """Count one whole hour and write it down. Two that do this at once may say it twice, and say the same."""
    origin, until = keys.current_origin(), begin + HOUR
    said: dict[str, Any] = {"from": begin, "until": until, **counted(origin, begin, until)}
    return record(subject=("audit.log", origin), **said)

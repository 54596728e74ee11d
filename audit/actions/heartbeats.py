"""A sign of life, so that silence can be told from loss."""

from django.contrib.auth.models import User

from audit import keys
from audit.action import action, record
from audit.events import Event
from audit.models import Entry


@action(Event.HEARTBEAT, needs="audit.write_heartbeat")
def write_heartbeat(*, by: User) -> Entry:
    """Write that the log is alive."""
    return record(subject=("audit.log", keys.producer().origin))

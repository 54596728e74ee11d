"""Signs of life: what shows a stranger that silence was silence, and that nothing was taken out of it."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit import keys
from audit.actions.reconciliation import write_reconciliation
from audit.reconciliation import hours_due


def reconcile_due(*, by: User) -> int:
    """Reconcile every whole hour of the shard that is due, the missed ones first; how many those were."""
    hours = list(hours_due(keys.current_origin(), timezone.now()))
    for hour in hours:
        write_reconciliation(hour, by=by)
    return len(hours)

"""Voiding what rests on evidence that has just changed."""

from datetime import datetime

from audit.queries import service_account
from governance.actions.changes import void_change
from governance.queries.changes import is_stale, open_changes
from registry.models import ModelVersion


def void_overtaken(version: ModelVersion, now: datetime) -> None:
    """Void the open requests about the version whose evidence is no longer what they were asked on."""
    for change in open_changes().filter(version=version):
        if is_stale(change, now):
            void_change(change.pk, by=service_account("monitor"))

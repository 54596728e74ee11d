"""Telling an MLflow tracking server at which stage its model version stands here.

The row is the intent, left by the act that moved the version. Every message may be sent twice: tags are set to what holds, and
the alias is taken away only where it still points to that version. A crash between sending and recording sends again.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User

from audit.dispatch import send_on_commit
from audit.errors import Refusal
from registry import queries
from registry.actions.write_backs import record_write_back
from registry.models import Stage, WriteBack
from registry.tracking import TrackingServer

ALIAS = "champion"


def write_back(write_back_id: int, *, by: User) -> None:
    """Tell the server once and record the outcome; nothing where another worker did."""
    waiting = queries.write_backs_waiting().filter(pk=write_back_id).first()
    if waiting is None:
        return
    try:
        _tell(waiting)
    except Refusal as refusal:
        record_write_back(waiting.pk, refusal.detail, by=by)
    else:
        record_write_back(waiting.pk, "", by=by)


def sweep_write_backs(at: datetime) -> None:
    """Send again what was lost, or failed and is due."""
    for waiting in queries.write_backs_waiting().filter(due_at__lte=at):
        send_on_commit("registry.write_back", waiting.pk)


def token_for(uri: str) -> str:
    """The token of the settings, for the server of the settings and for no other."""
    same = uri.rstrip("/") == settings.CREDENCE_MLFLOW_URI.rstrip("/")
    return str(settings.CREDENCE_MLFLOW_TOKEN) if same else ""


def _tell(waiting: WriteBack) -> None:
    tracked, version = waiting.tracked, waiting.change.version
    # A later change may have overtaken this one: what holds now is said.
    stage = version.stage
    tags = {"credence.version": f"{version.model.name}/{version.number}", "credence.stage": stage}
    name, number = tracked.model_name, tracked.model_version
    with TrackingServer(tracked.tracking_uri, token_for(tracked.tracking_uri)) as server:
        if stage == Stage.PRODUCTION:
            clearance = queries.clearance_behind(version)
            tags |= {
                "credence.approved": f"change request {clearance.change_request_id}",
                "credence.evidence_digest": clearance.evidence_digest,
            }
        for key, value in tags.items():
            server.set_tag(name, number, key, value)
        if stage == Stage.PRODUCTION:
            server.set_alias(name, number, ALIAS)
        else:
            server.drop_alias(name, number, ALIAS)

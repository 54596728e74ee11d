"""Passes over the whole log: a person asks, a worker carries out."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.dispatch import send_on_commit
from audit.errors import NotFound, Refusal
from audit.events import Event
from audit.ids import uuid7
from audit.models import LogPass

RUN_PASS = "audit.run_pass"


class NoSuchPass(NotFound):
    """There is no pass of that identifier."""


class PassFinished(Refusal):
    """The pass was carried out already."""


@action(Event.PASS_REQUESTED, needs="audit.archive_log")
def request_archiving(*, by: User) -> LogPass:
    """Ask for the sealed log to be copied to the archive."""
    return _requested(LogPass.Kind.ARCHIVING, by)


@action(Event.PASS_REQUESTED, needs="audit.verify_log")
def request_verification(*, by: User) -> LogPass:
    """Ask for the whole log to be verified against database and archive."""
    return _requested(LogPass.Kind.VERIFICATION, by)


@action(Event.PASS_FINISHED, needs="audit.archive_log")
def finish_pass(pass_id: UUID, *, by: User, holds: bool, summary: str) -> LogPass:
    """Write down what came of a pass. Raises NoSuchPass or PassFinished."""
    log_pass = LogPass.objects.select_for_update().filter(pk=pass_id).first()
    if log_pass is None:
        raise NoSuchPass(f"There is no pass {pass_id}.")
    if log_pass.state != LogPass.State.REQUESTED:
        raise PassFinished(f"The pass {pass_id} is {log_pass.state} already.")
    log_pass.state = LogPass.State.DONE if holds else LogPass.State.FAILED
    log_pass.finished_at, log_pass.summary = timezone.now(), summary
    log_pass.save(update_fields=["state", "finished_at", "summary"])
    record(subject=("audit.logpass", str(pass_id)), state=log_pass.state, summary=summary)
    return log_pass


def _requested(kind: str, by: User) -> LogPass:
    pass_id = uuid7()
    log_pass = LogPass.objects.create(
        id=pass_id,
        kind=kind,
        requested_by=by.get_username(),
        requested_at=timezone.now(),
        entry=record(subject=("audit.logpass", str(pass_id)), kind=kind),
    )
    send_on_commit(RUN_PASS, str(pass_id))
    return log_pass

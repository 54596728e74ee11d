"""What becomes of applications outside of deciding them."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import references
from audit.action import action, record
from audit.errors import FieldProblem
from audit.ids import uuid7
from audit.vault import Private
from registry.queries import model_named
from serving.errors import ApplicationEnded, InvalidStatus
from serving.events import Event
from serving.models import ApplicationStatus, Decision
from serving.notices.statuses import StatusReport, read_status, refused

Status = ApplicationStatus.Status
AFTER = {
    Status.INCOMPLETENESS_NOTIFIED: Status.INCOMPLETE,
    Status.COUNTEROFFER_ACCEPTED: Status.COUNTEROFFER,
}
OF_DECIDED = (Status.COUNTEROFFER, Status.APPROVED_OFFER_DECLINED)


@dataclass(frozen=True)
class _Application:
    id: UUID
    subject_id: UUID
    model_name: str


@action(Event.STATUS_RECORDED, needs="serving.record_status")
def record_status(application_ref: str, document: object, *, by: User) -> ApplicationStatus:
    """Record what happened to one of the caller's own applications.

    The application is made known where it is new here: then `subject_ref` and `model` say whose it is and which
    model is to decide it. Raises InvalidStatus with every field at fault, UnknownModel, ApplicationEnded or AlreadyErased.
    """
    now = timezone.now()
    report = read_status(application_ref, document, Status.values, now)
    application = _known(application_ref, by) or _made_known(application_ref, report, by)
    _require_fitting(application, report)
    status = ApplicationStatus(
        id=uuid7(),
        application_id=application.id,
        subject_id=application.subject_id,
        model_name=application.model_name,
        status=report.status,
        at=report.at,
        respond_by=report.respond_by,
        client=by,
        recorded_at=now,
    )
    private = {
        "application_id": application.id,
        "status": report.status,
        "at": report.at,
        "missing": report.missing,
        "asked": report.asked,
        "offered": report.offered,
        "respond_by": report.respond_by,
    }
    status.entry = record(
        subject=status,
        private=Private(application.subject_id, private),
        model=application.model_name,
    )
    status.save(force_insert=True)
    return status


def _known(application_ref: str, by: User) -> _Application | None:
    found = references.find(by.get_username(), "application", [application_ref])
    if not found:
        return None
    [application_id] = found.values()
    for rows in (Decision.objects, ApplicationStatus.objects):
        row = rows.filter(application_id=application_id).order_by("-pk").first()
        if row is not None:
            return _Application(application_id, row.subject_id, row.model_name)
    return None


def _made_known(application_ref: str, report: StatusReport, by: User) -> _Application:
    problems = [
        FieldProblem(name, "missing", f"The application is new here: {why}.")
        for name, value, why in (
            ("subject_ref", report.subject_ref, "say whose it is"),
            ("model", report.model, "say which model is to decide it"),
        )
        if value is None
    ]
    if problems:
        raise refused(problems)
    assert report.subject_ref is not None
    assert report.model is not None
    model = model_named(report.model)
    client = by.get_username()
    people, made = references.applicants_for(client, [(application_ref, report.subject_ref)])
    subject_id = people[report.subject_ref].subject_id
    return _Application(made[application_ref], subject_id, model.name)


def _require_fitting(application: _Application, report: StatusReport) -> None:
    """Raises ApplicationEnded, or InvalidStatus where something else must have happened before."""
    before = ApplicationStatus.objects.filter(application_id=application.id)
    if ended := before.filter(status__in=ApplicationStatus.ENDING).first():
        raise ApplicationEnded(f"The application ended before: {ended}.")
    wanted = AFTER.get(Status(report.status))
    if wanted is not None and not before.filter(status=wanted, at__lte=report.at).exists():
        raise _too_early(f"Follows the status {wanted.value} of the application.")
    decided = Decision.objects.filter(application_id=application.id)
    if report.status in OF_DECIDED and not decided.exists():
        raise _too_early("Follows a decision on the application.")


def _too_early(detail: str) -> InvalidStatus:
    return refused([FieldProblem("status", "out_of_order", detail)])

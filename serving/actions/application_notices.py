"""Issuing notices of counteroffers and of what applications lack, and recording that they were sent."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, require
from audit.ids import uuid7
from registry.queries import model_named
from serving.errors import (
    ApplicationEnded,
    DecidedMeanwhile,
    NoSuchStatus,
    NoticeAlreadyIssued,
    OfferAfterApproval,
)
from serving.events import Event
from serving.models import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    ApplicationStatus,
)
from serving.notices import due, telling
from serving.notices.keeping import keep_delivery, keep_notice
from serving.policy import DecisionOutcome
from serving.resolutions import final_of


@action(Event.APPLICATION_NOTICE_ISSUED, needs="serving.issue_notice")
def issue_application_notice(status_id: UUID, *, by: User) -> ApplicationNotice:
    """Compose the notice of a counteroffer or of what is missing by the policy of this day, and keep it as long as the person.

    Whoever did not report the status needs to see decisions. Which of the two it is stays private in the log, as the
    status does. Raises NoSuchStatus, NotPermitted, NoticeAlreadyIssued, ApplicationEnded, OfferAfterApproval,
    DecidedMeanwhile, NoNoticePolicy, NoticeTextsMalformed, OfferTermsUnknown, AlreadyErased, NoticeLanguageDiffers or KeyFactorsUnknown.
    """
    status, now = _status(status_id, by), timezone.now()
    _require_open(status)
    policy = due.notice_policy(model_named(status.model_name), now)
    composed = telling.composed(status, policy, now)
    notice = ApplicationNotice(
        id=uuid7(),
        status=status,
        application_id=status.application_id,
        reasons_of=composed.reasons_of,
        kind=telling.KINDS[status.status],
        answer_by=composed.answer_by,
        policy=policy,
        language=composed.document["language"],
        issued_at=now,
        issued_by=by,
    )
    keep_notice(notice, status, composed.document)
    return notice


@action(Event.APPLICATION_NOTICE_DELIVERED, needs="serving.record_delivery")
def record_application_delivery(
    status_id: UUID, document: object, *, by: User
) -> ApplicationNoticeDelivery:
    """Record that the bank sent the notice of a status. Sent again, it is recorded again.

    Raises NoSuchStatus, NotPermitted, NoSuchNotice, AlreadyErased, or InvalidDelivery with every field at fault.
    """
    status, now = _status(status_id, by), timezone.now()
    notice = telling.notice_of_status(status.pk)
    return keep_delivery(ApplicationNoticeDelivery(notice=notice), status, document, now, by)


def _status(status_id: UUID, by: User) -> ApplicationStatus:
    """The status, for the client that reported it or who may see decisions."""
    status = ApplicationStatus.objects.select_related("entry").filter(pk=status_id).first()
    if status is None:
        raise NoSuchStatus(f"There is no status {status_id}.")
    if status.client_id != by.pk:
        require(by, "serving.view_decision")
    return status


def _require_open(status: ApplicationStatus) -> None:
    """There is something to tell of it. Raises NoSuchStatus, NoticeAlreadyIssued, ApplicationEnded, OfferAfterApproval or DecidedMeanwhile."""
    if status.status not in telling.KINDS:
        raise NoSuchStatus("No notice is composed of such a status.")
    if ApplicationNotice.objects.filter(status=status).exists():
        raise NoticeAlreadyIssued("The notice of it was issued before.")
    same = ApplicationStatus.objects.filter(application_id=status.application_id)
    if ended := same.filter(status__in=ApplicationStatus.ENDING).first():
        raise ApplicationEnded(f"The application ended before: {ended}.")
    _require_undecided(status)


def _require_undecided(status: ApplicationStatus) -> None:
    """What stands of the application leaves it something to lack, or terms to refuse. Raises OfferAfterApproval or DecidedMeanwhile."""
    decision = telling.newest_decision(status.application_id)
    if decision is None:
        return
    stands = final_of(decision)
    if status.status == ApplicationStatus.Status.COUNTEROFFER:
        if stands.outcome == DecisionOutcome.APPROVED:
            raise OfferAfterApproval(
                f"Decision {decision.pk} approves the application, and the offer would refuse it without reasons: have a person decline it first (decisions/{decision.pk}/resolution)."
            )
    elif stands.is_final and stands.decided_at >= status.at:
        raise DecidedMeanwhile(
            "The application was decided: what it lacked is neither asked for nor a reason."
        )

"""The one place where notices about applications learn what to say: the status as it was reported, and the decision that refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit import references
from audit.vault import open_private
from registry.models import Policy
from serving.errors import (
    NoNoticePolicy,
    NoSuchNotice,
    NoSuchStatus,
    NoticeNotNewest,
    OfferTermsUnknown,
)
from serving.models import ApplicationNotice, ApplicationStatus, Decision
from serving.notices import due
from serving.notices.application_texts import ApplicationTexts
from serving.notices.composing import (
    Lacking,
    Offer,
    Refused,
    counteroffer_notice,
    incompleteness_notice,
)
from serving.notices.deciding import about, action_taken, standing
from serving.notices.texts import NoticeTexts
from serving.policy import DecisionOutcome

Kind = ApplicationNotice.Kind
KINDS: Mapping[str, Kind] = {
    ApplicationStatus.Status.COUNTEROFFER: Kind.COUNTEROFFER,
    ApplicationStatus.Status.INCOMPLETE: Kind.INCOMPLETENESS,
}


@dataclass(frozen=True)
class Composed:
    """A notice that is not issued yet, with the decision whose reasons it gives, if it gives any."""

    document: dict[str, Any]
    answer_by: date
    reasons_of: Decision | None


def composed(status: ApplicationStatus, policy: Policy, now: datetime) -> Composed:
    """The notice of a counteroffer or of what is missing, by the policy.

    Raises NoNoticePolicy, NoticeTextsMalformed, OfferTermsUnknown, AlreadyErased, NoticeLanguageDiffers or KeyFactorsUnknown.
    """
    texts, kind = due.texts_of(policy), KINDS[status.status]
    part = ApplicationTexts.from_json(policy.body, kind)
    if part is None:
        raise NoNoticePolicy(f"{policy} has no part {kind.value}, which holds the words of it.")
    answer_by = (now + timedelta(days=part.days)).date()
    application, on, said = str(status.application_id), status.at.date(), open_private(status.entry)
    if kind == Kind.INCOMPLETENESS:
        lacking = Lacking(application, on, answer_by, tuple(said["missing"]))
        return Composed(incompleteness_notice(texts, part, lacking, now), answer_by, None)
    if not said.get("offered"):
        raise OfferTermsUnknown(f"What was asked and offered was not reported with {status}.")
    decision, refused = _refusal(status, texts)
    asked, offered = tuple(said["asked"]), tuple(said["offered"])
    offer = Offer(application, on, answer_by, asked, offered, refused)
    return Composed(counteroffer_notice(texts, part, offer, now), answer_by, decision)


def status_to_tell_of(application_ref: str, client: User) -> ApplicationStatus:
    """The newest status of a client's application that has a kind of notice. Raises NoSuchStatus."""
    statuses = ApplicationStatus.objects.filter(status__in=KINDS)
    status = statuses.filter(application_id__in=_application(application_ref, client)).first()
    if status is None:
        raise NoSuchStatus(
            "No application of yours by that reference is incomplete or got a counteroffer."
        )
    return status


def newest_notice(application_ref: str, client: User) -> ApplicationNotice:
    """The one issued last about a client's application. Raises NoSuchNotice."""
    notices = ApplicationNotice.objects.select_related("policy", "entry", "status")
    notice = notices.filter(application_id__in=_application(application_ref, client)).first()
    if notice is None:
        raise NoSuchNotice("No notice about an application of yours by that reference was issued.")
    return notice


def newest_meant(application_ref: str, client: User, notice_id: object) -> ApplicationNotice:
    """The newest, where it is the one that the client means or the client names none. Raises NoSuchNotice or NoticeNotNewest."""
    notice = newest_notice(application_ref, client)
    if notice_id is not None and str(notice_id).lower() != str(notice.pk):
        raise NoticeNotNewest(
            f"The newest notice about the application is {notice.pk}. The delivery of an earlier one belongs to its status: statuses/{{status_id}}/notice/deliveries."
        )
    return notice


def notice_of_status(status_id: UUID) -> ApplicationNotice:
    """Raises NoSuchNotice."""
    notices = ApplicationNotice.objects.select_related("policy", "entry", "status")
    notice = notices.filter(status=status_id).first()
    if notice is None:
        raise NoSuchNotice(f"No notice of status {status_id} was issued.")
    return notice


def newest_decision(application_id: UUID) -> Decision | None:
    """The one on which the application stands."""
    decisions = Decision.objects.select_related("version", "observation", "entry")
    return decisions.filter(application_id=application_id).order_by("-pk").first()


def _application(application_ref: str, client: User) -> list[UUID]:
    found = references.find(client.get_username(), "application", [application_ref])
    return list(found.values())


def _refusal(
    status: ApplicationStatus, texts: NoticeTexts
) -> tuple[Decision | None, Refused | None]:
    """The newest decision on the application, where it stands as declined."""
    decision = newest_decision(status.application_id)
    if decision is None:
        return None, None
    ruled = standing(decision)
    if ruled.outcome != DecisionOutcome.DECLINED or not ruled.reasons:
        return None, None
    return decision, Refused(action_taken(decision, ruled, texts.language), about(decision))

"""A notice as it was issued: read back from the record, for programs and for people."""

from collections.abc import Iterable
from typing import Any

from audit.canonical import digest_json, timestamp
from audit.vault import open_private
from serving.errors import NoSuchNotice, NoticeAltered
from serving.models import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    Decision,
    Notice,
    NoticeDelivery,
)
from serving.notices import due


def issued_notice(decision: Decision) -> Notice:
    """Raises NoSuchNotice."""
    notice = due.notice_of(decision)
    if notice is None:
        raise NoSuchNotice(f"No notice of decision {decision.pk} was issued.")
    return notice


def document_of(notice: Notice | ApplicationNotice) -> dict[str, Any]:
    """What the notice says, to the letter as it was issued. Raises AlreadyErased, PayloadUnreadable or NoticeAltered."""
    kept = open_private(notice.entry)
    if digest_json(kept) != notice.sha256:
        raise NoticeAltered(f"What is kept of {notice} is not what was issued.")
    document: dict[str, Any] = kept["document"]
    return document


def notice_answer(notice: Notice) -> dict[str, Any]:
    """The notice with its policy, its deliveries and what it says. Raises what `document_of` raises."""
    return {"decision_id": str(notice.decision_id), **_answer(notice)}


def application_notice_answer(notice: ApplicationNotice) -> dict[str, Any]:
    """The same of a notice about an application. Raises what `document_of` raises."""
    return {
        "status_id": str(notice.status_id),
        "answer_by": notice.answer_by.isoformat(),
        "gives_reasons": notice.reasons_of_id is not None,
        **_answer(notice),
    }


def delivery_answer(delivery: NoticeDelivery | ApplicationNoticeDelivery) -> dict[str, str]:
    return {
        "delivery_id": str(delivery.pk),
        "channel": delivery.channel,
        "sent_at": timestamp(delivery.sent_at),
        "recorded_at": timestamp(delivery.recorded_at),
    }


def _answer(notice: Notice | ApplicationNotice) -> dict[str, Any]:
    deliveries: Iterable[NoticeDelivery | ApplicationNoticeDelivery]
    deliveries = notice.deliveries.order_by("pk")
    return {
        "notice_id": str(notice.pk),
        "kind": notice.kind,
        "language": notice.language,
        "policy": str(notice.policy),
        "policy_sha256": notice.policy.sha256,
        "sha256": notice.sha256,
        "issued_at": timestamp(notice.issued_at),
        "entry_id": str(notice.entry_id),
        "document": document_of(notice),
        "deliveries": [delivery_answer(delivery) for delivery in deliveries],
    }

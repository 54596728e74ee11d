"""A notice as it was issued: read back from the record, for programs and for people."""

from typing import Any

from audit.canonical import digest_json, timestamp
from audit.vault import open_private
from serving.errors import NoSuchNotice, NoticeAltered
from serving.models import Decision, Notice
from serving.notices import due


def issued_notice(decision: Decision) -> Notice:
    """Raises NoSuchNotice."""
    notice = due.notice_of(decision)
    if notice is None:
        raise NoSuchNotice(f"No notice of decision {decision.pk} was issued.")
    return notice


def document_of(notice: Notice) -> dict[str, Any]:
    """What the notice says, to the letter as it was issued. Raises AlreadyErased, PayloadUnreadable or NoticeAltered."""
    kept = open_private(notice.entry)
    if digest_json(kept) != notice.sha256:
        raise NoticeAltered(f"What is kept of {notice} is not what was issued.")
    document: dict[str, Any] = kept["document"]
    return document


def notice_answer(notice: Notice) -> dict[str, Any]:
    """The notice with its policy, its deliveries and what it says. Raises what `document_of` raises."""
    return {
        "notice_id": str(notice.pk),
        "decision_id": str(notice.decision_id),
        "kind": notice.kind,
        "language": notice.language,
        "policy": str(notice.policy),
        "policy_sha256": notice.policy.sha256,
        "sha256": notice.sha256,
        "issued_at": timestamp(notice.issued_at),
        "entry_id": str(notice.entry_id),
        "document": document_of(notice),
        "deliveries": [
            {
                "delivery_id": str(delivery.pk),
                "channel": delivery.channel,
                "sent_at": timestamp(delivery.sent_at),
                "recorded_at": timestamp(delivery.recorded_at),
            }
            for delivery in notice.deliveries.order_by("pk")
        ],
    }

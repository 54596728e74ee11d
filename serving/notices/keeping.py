"""Keeping a notice, and that it was sent, inside the act that does it: the same for notices of decisions and of applications."""

import secrets
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User

from audit.action import record
from audit.canonical import digest_json, plain
from audit.vault import Private
from serving.models import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    ApplicationStatus,
    Decision,
    Notice,
    NoticeDelivery,
)
from serving.notices import due
from serving.notices.deliveries import read_delivery

Delivery = TypeVar("Delivery", NoticeDelivery, ApplicationNoticeDelivery)


def keep_notice(
    notice: Notice | ApplicationNotice,
    about: Decision | ApplicationStatus,
    document: dict[str, Any],
    **said: Any,
) -> None:
    """Insert the notice with its entry, which holds the salted document for the person; `said` is public."""
    policy = notice.policy
    kept = plain({"document": document, "salt": secrets.token_hex(16)})
    notice.sha256 = digest_json(kept)
    notice.entry = record(
        subject=about,
        private=Private(about.subject_id, kept),
        notice=notice.pk,
        notice_policy=policy.sha256,
        policy_version=policy.version,
        jurisdiction=policy.jurisdiction,
        legal_basis=policy.legal_basis,
        language=notice.language,
        sha256=notice.sha256,
        **said,
    )
    notice.save(force_insert=True)


def keep_delivery(
    row: Delivery, about: Decision | ApplicationStatus, document: object, now: datetime, by: User
) -> Delivery:
    """Insert what a caller says of how the row's notice was sent. Raises InvalidDelivery with every field at fault."""
    notice = row.notice
    sent = read_delivery(document, due.texts_of(notice.policy).channels, notice.issued_at, now)
    row.channel, row.sent_at = sent.channel, sent.sent_at
    row.recorded_at, row.recorded_by = now, by
    row.entry = record(
        subject=about,
        private=Private(about.subject_id, {"reference": sent.reference}),
        notice=notice.pk,
        channel=sent.channel,
        sent_at=sent.sent_at,
    )
    row.save(force_insert=True)
    return row

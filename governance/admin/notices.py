"""The buttons that issue the notice of a decision, or about an application, and record that it was sent."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from unfold.widgets import UnfoldAdminTextInputWidget

from governance.admin.fields import line
from governance.admin.pages import ActPage, Done, offer
from serving.actions.application_notices import (
    issue_application_notice,
    record_application_delivery,
)
from serving.actions.notices import issue_notice, record_delivery
from serving.models import ApplicationStatus, Decision
from serving.notices.due import notice_of
from serving.notices.telling import KINDS
from serving.policy import DecisionOutcome
from serving.resolutions import final_of


class DeliveryForm(forms.Form):
    channel = line("Channel", "One of those that the notice policy names, such as mail or portal.")
    sent_at = forms.DateTimeField(
        label="Sent at",
        help_text="In UTC, such as 2026-11-20 09:30. Not before the notice was issued.",
        widget=UnfoldAdminTextInputWidget,
    )
    reference = line("Reference", "The bank's own, where there is one.", max_length=200)


def _issue(decision: Decision, fields: dict[str, Any], by: User) -> Done:
    notice = issue_notice(decision.pk, by=by)
    return Done(
        f"Issued by {notice.policy}. Fill in the applicant's name and address, and send it."
    )


def _deliver(decision: Decision, fields: dict[str, Any], by: User) -> Done:
    return Done(f"Recorded: {record_delivery(decision.pk, _delivery(fields), by=by)}.")


def _issue_about(status: ApplicationStatus, fields: dict[str, Any], by: User) -> Done:
    notice = issue_application_notice(status.pk, by=by)
    return Done(
        f"Issued by {notice.policy}; an answer is asked for until {notice.answer_by}. Fill in the applicant's name and address, and send it."
    )


def _deliver_about(status: ApplicationStatus, fields: dict[str, Any], by: User) -> Done:
    sent = record_application_delivery(status.pk, _delivery(fields), by=by)
    return Done(f"Recorded: {sent}.")


def _delivery(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "channel": fields["channel"],
        "sent_at": fields["sent_at"].isoformat(),
        "reference": fields["reference"] or None,
    }


offer(
    ActPage(
        model=Decision,
        slug="issue-notice",
        title="Issue the notice",
        icon="mail",
        needs="serving.issue_notice",
        what_happens="The adverse action notice is composed by the approved texts of today, from the reasons of the score or of the person who decided, and kept as it is.",
        perform=_issue,
        form=forms.Form,
        applies=lambda decision, user: (
            hasattr(decision, "observation")
            and final_of(decision).outcome == DecisionOutcome.DECLINED
            and notice_of(decision) is None
        ),
    ),
    ActPage(
        model=Decision,
        slug="record-delivery",
        title="Record that it was sent",
        icon="outgoing_mail",
        needs="serving.record_delivery",
        what_happens="From then on the applicant counts as told, and the clock stops.",
        perform=_deliver,
        form=DeliveryForm,
        applies=lambda decision, user: notice_of(decision) is not None,
    ),
    ActPage(
        model=ApplicationStatus,
        slug="issue-notice",
        title="Issue the notice",
        icon="mail",
        needs="serving.issue_notice",
        what_happens="The notice of the counteroffer, or of what is missing, is composed by the approved texts of today and kept as it is. A counteroffer gives the reasons of the decision that declined, where there is one.",
        perform=_issue_about,
        form=forms.Form,
        applies=lambda status, user: status.status in KINDS and not hasattr(status, "notice"),
    ),
    ActPage(
        model=ApplicationStatus,
        slug="record-delivery",
        title="Record that it was sent",
        icon="outgoing_mail",
        needs="serving.record_delivery",
        what_happens="The clock of the incomplete application stops; that of a counteroffer where its notice gives the reasons of the decision.",
        perform=_deliver_about,
        form=DeliveryForm,
        applies=lambda status, user: hasattr(status, "notice"),
    ),
)

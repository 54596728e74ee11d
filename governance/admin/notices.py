"""The buttons that issue the notice of a decision, and record that it was sent."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from unfold.widgets import UnfoldAdminTextInputWidget

from governance.admin.fields import line
from governance.admin.pages import ActPage, Done, offer
from serving.actions.notices import issue_notice, record_delivery
from serving.models import Decision
from serving.notices.due import notice_of
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
    document = {
        "channel": fields["channel"],
        "sent_at": fields["sent_at"].isoformat(),
        "reference": fields["reference"] or None,
    }
    return Done(f"Recorded: {record_delivery(decision.pk, document, by=by)}.")


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
)

"""What a change's window shows of how it was challenged: conditions, comments, reminders, opened evidence."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User

from audit.admin_base import ReadOnlyInline
from audit.errors import FieldProblem
from governance.actions.comments import comment_on_change
from governance.admin.fields import day, line, paragraph
from governance.admin.pages import ActPage, Done, RationaleForm
from governance.admin.parts import link, table
from governance.errors import ConditionMalformed
from governance.models import ChangeComment, ChangeReminder, ChangeRequest, EvidenceView
from governance.queries.accounts import account
from governance.queries.conditions import Condition, conditions_of

MOST_CONDITIONS_AT_ONCE = 3


class ApprovalForm(RationaleForm):
    """A rationale, and conditions as many as fit on a page: more are set over REST."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place in range(1, MOST_CONDITIONS_AT_ONCE + 1):
            self.fields[f"condition_{place}"] = paragraph(
                f"Condition {place}",
                "What must be done after the change is granted; it becomes a high finding. Leave empty for none.",
            )
            self.fields[f"owner_{place}"] = line("Its owner", "The account of whoever does it.")
            self.fields[f"due_on_{place}"] = day("Due on", required=False)


class CommentForm(forms.Form):
    text = paragraph("Comment", "For everybody who may see the change. It is recorded.")


class CommentInline(ReadOnlyInline):
    model = ChangeComment
    verbose_name_plural = "What was said"
    hide_title = True
    fields = ("author", "text", "said_at")


class ReminderInline(ReadOnlyInline):
    model = ChangeReminder
    verbose_name_plural = "Reminders"
    hide_title = True
    fields = ("days_before", "addressed", "reminded_at")
    readonly_fields = ("addressed",)

    @admin.display(description="Addressed to")
    def addressed(self, reminder: ChangeReminder) -> str:
        return ", ".join(reminder.addressed_to) or "nobody: no account could decide it"


class EvidenceViewInline(ReadOnlyInline):
    model = EvidenceView
    verbose_name_plural = "Who opened the evidence"
    hide_title = True
    fields = ("viewer", "part", "viewed_at", "shown_sha256")


def conditions_shown(change: ChangeRequest) -> str:
    """Each condition with the finding that it became."""
    rows = [
        (
            each.approval.approver,
            each.text,
            each.owner,
            each.due_on,
            link(each.opened_as.finding, each.opened_as.finding.state)
            if hasattr(each, "opened_as")
            else "none yet",
        )
        for each in conditions_of(change)
    ]
    return table(["Approver", "Condition", "Owner", "Due on", "Finding"], rows) if rows else "-"


def conditions_in(fields: dict[str, Any]) -> list[Condition]:
    """Those of which anything was filled in. Raises NoSuchAccount, or ConditionMalformed without a day."""
    found = []
    for place in range(1, MOST_CONDITIONS_AT_ONCE + 1):
        text, owner, due_on = (
            fields[f"{name}_{place}"] for name in ("condition", "owner", "due_on")
        )
        if not (text or owner or due_on):
            continue
        if due_on is None:
            problem = FieldProblem(f"due_on_{place}", "missing", "Say by when.")
            raise ConditionMalformed("A condition has a day.", errors=[problem])
        found.append(Condition(text, account(owner), due_on))
    return found


def _comment(change: ChangeRequest, fields: dict[str, Any], by: User) -> Done:
    comment_on_change(change.pk, fields["text"], by=by)
    return Done("Your comment is on record.")


COMMENT = ActPage(
    model=ChangeRequest,
    slug="comment",
    title="Comment",
    icon="chat",
    needs="governance.view_changerequest",
    what_happens="You say something about this change. It decides nothing, and stays.",
    perform=_comment,
    form=CommentForm,
)

"""Windows on findings, and the buttons that open, remediate, judge and extend them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanWidget

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from governance.actions.findings import (
    Deficiency,
    close_finding,
    extend_finding,
    open_finding,
    reject_remediation,
    submit_remediation,
)
from governance.admin.fields import choice, day, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import link, links, tag
from governance.clock import days_left
from governance.models import Finding, FindingExtension, FindingRestriction, OverdueFinding
from governance.queries.accounts import account
from registry.models import ScoringModel
from registry.queries import version_numbered

State = Finding.State


class FindingForm(forms.Form):
    severity = choice("Severity", [(name, name) for name in Finding.Severity.values])
    category = line("Category", "For example: data, method, implementation, use.", max_length=100)
    title = line("Title", max_length=200)
    evidence = paragraph("Evidence", "Where it can be seen.")
    root_cause = paragraph("Root cause", "Where it is known.")
    version = forms.IntegerField(
        required=False,
        label="Version",
        help_text="Its number. Leave empty for every version.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    owner = line("Owner", "The account of whoever puts it right.")
    due_on = day("Due on", "Leave empty for what the policy says.", required=False)
    is_repeat = forms.BooleanField(required=False, label="Found before", widget=UnfoldBooleanWidget)


class RemediationForm(forms.Form):
    remediation = paragraph("Remediation", "What was done, and where the evidence is.")


class RejectionForm(forms.Form):
    reason = paragraph("Reason", "What is still wrong. It is recorded under your name.")


class ExtensionForm(forms.Form):
    due_on = day("Due on")
    reason = paragraph("Reason", "Why it needs more time. It is recorded under your name.")


class ExtensionInline(ReadOnlyInline):
    model = FindingExtension
    hide_title = True
    fields = ("was_due_on", "due_on", "reason", "approved_by", "approved_at")


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    """Each finding with its clock, its owner, and what was said about it."""

    list_display = (
        "title",
        "model",
        "version",
        "severity_shown",
        "state_shown",
        "owner",
        "due",
        "extended",
    )
    list_display_links = ("title",)
    list_filter = ("state", "severity", "model", "is_repeat")
    list_select_related = ("model", "version__model", "owner")
    fieldsets = (
        (None, {"fields": ("title", "about_shown", "severity_shown", "category", "is_repeat", "evidence", "root_cause")}),
        ("Clock", {"fields": ("state_shown", "owner", "due", "extended", "restricts", "opened_by", "opened_at")}),
        ("Remediation", {"fields": ("remediation", "remediated_at", "rejection", "closed_by", "closed_at", "closing_rationale")}),
        ("Record", {"fields": ("id", "policy", "entry")}),
    )  # fmt: skip
    inlines = (ExtensionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        found: QuerySet[Finding] = super().get_queryset(request)
        return found.prefetch_related("extensions")

    @admin.display(description="About")
    def about_shown(self, finding: Finding) -> str:
        return link(finding.about)

    @admin.display(description="Severity", ordering="severity")
    def severity_shown(self, finding: Finding) -> SafeString:
        return tag(finding.severity)

    @admin.display(description="State", ordering="state")
    def state_shown(self, finding: Finding) -> SafeString:
        return tag(finding.state)

    @admin.display(description="Due", ordering="due_on")
    def due(self, finding: Finding) -> str:
        if finding.state == State.CLOSED:
            return str(finding.due_on)
        return f"{finding.due_on} ({days_left(finding.due_on, timezone.now().date())})"

    @admin.display(description="Extensions")
    def extended(self, finding: Finding) -> int:
        return len(finding.extensions.all())

    @admin.display(description="Restricts")
    def restricts(self, finding: Finding) -> str:
        placed = finding.restrictions.select_related("restriction__lift")
        return links(each.restriction for each in placed if each.holds)


@admin.register(FindingExtension)
class FindingExtensionAdmin(ReadOnlyAdmin):
    list_display = ("finding", "was_due_on", "due_on", "approved_by", "approved_at")
    list_select_related = ("finding__model", "finding__version__model", "approved_by")


@admin.register(OverdueFinding)
class OverdueFindingAdmin(ReadOnlyAdmin):
    list_display = ("finding", "due_on", "noticed_at")
    list_select_related = ("finding__model", "finding__version__model")


@admin.register(FindingRestriction)
class FindingRestrictionAdmin(ReadOnlyAdmin):
    list_display = ("finding", "restriction", "rule", "in_force")
    list_filter = ("rule",)
    list_select_related = (
        "finding__model", "finding__version__model", "restriction__model", "restriction__version__model",
        "restriction__lift",
    )  # fmt: skip

    @admin.display(description="Holds", boolean=True)
    def in_force(self, placed: FindingRestriction) -> bool:
        return placed.holds


def _open(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    number = fields["version"]
    version = None if number is None else version_numbered(model, number)
    found = Deficiency(**fields | {"owner": account(fields["owner"]), "version": version})
    finding = open_finding(model, found, by=by)
    return Done(f"The finding is open, due {finding.due_on}.")


def _submit(finding: Finding, fields: dict[str, Any], by: User) -> Done:
    submit_remediation(finding.pk, fields["remediation"], by=by)
    return Done("A validator judges now whether it was put right.")


def _reject(finding: Finding, fields: dict[str, Any], by: User) -> Done:
    reject_remediation(finding.pk, fields["reason"], by=by)
    return Done("The finding is open again; its due date stays.")


def _close(finding: Finding, fields: dict[str, Any], by: User) -> Done:
    close_finding(finding.pk, fields["rationale"], by=by)
    return Done("The finding is closed.")


def _extend(finding: Finding, fields: dict[str, Any], by: User) -> Done:
    extension = extend_finding(finding.pk, fields["due_on"], fields["reason"], by=by)
    return Done(f"The finding is due {extension.due_on}.")


offer(
    ActPage(
        model=ScoringModel,
        slug="open-finding",
        title="Open a finding",
        icon="report",
        needs="governance.open_finding",
        what_happens="Its owner has to put it right in time. A critical one blocks promotion and, as the policy says, use at once; a high one when it is late.",
        perform=_open,
        form=FindingForm,
    ),
    ActPage(
        model=Finding,
        slug="submit-remediation",
        title="Submit remediation",
        icon="build",
        needs="governance.submit_remediation",
        what_happens="You say how it was put right. A validator closes the finding or sends it back.",
        perform=_submit,
        form=RemediationForm,
        applies=lambda finding, user: finding.state == State.OPEN and finding.owner_id == user.pk,
    ),
    ActPage(
        model=Finding,
        slug="reject-remediation",
        title="Reject remediation",
        icon="undo",
        needs="governance.close_finding",
        what_happens="The finding goes back to its owner. Its due date stays.",
        perform=_reject,
        form=RejectionForm,
        applies=lambda finding, user: finding.state == State.REMEDIATED,
        danger=True,
    ),
    ActPage(
        model=Finding,
        slug="close",
        title="Close",
        icon="task_alt",
        needs="governance.close_finding",
        what_happens="You say that it was put right. A closed finding stays closed; the same again is a repeat.",
        perform=_close,
        applies=lambda finding, user: finding.state == State.REMEDIATED,
    ),
    ActPage(
        model=Finding,
        slug="extend",
        title="Extend",
        icon="more_time",
        needs="governance.extend_finding",
        what_happens="The finding gets more time. Each extension is counted.",
        perform=_extend,
        form=ExtensionForm,
        applies=lambda finding, user: finding.state != State.CLOSED,
    ),
)

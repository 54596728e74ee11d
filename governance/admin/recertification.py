"""Windows on the quarterly review of roles, and the buttons that open it and decide role by role."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from governance.actions.recertification import decide_role, open_recertification
from governance.admin.fields import day, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import link, table, tag
from governance.clock import days_left
from governance.models import LateRecertification, Recertification, RoleDecision, RoleHeld

Decision = RoleDecision.Decision


class OpeningForm(forms.Form):
    due_on = day("Due on", "Leave empty for what the policy says.", required=False)


class RoleReasonForm(forms.Form):
    reason = paragraph(
        "Reason", "Why the person needs the role, or does not. It is recorded under your name."
    )


@admin.register(Recertification)
class RecertificationAdmin(ReadOnlyAdmin):
    """Each quarter's review, with every role and what was decided about it."""

    list_display = ("quarter", "due", "undecided", "opened_by", "opened_at")
    list_select_related = ("opened_by",)
    fieldsets = (
        (None, {"fields": ("quarter", "due", "opened_by", "opened_at")}),
        ("Roles", {"fields": ("roles_table",)}),
        ("Record", {"fields": ("id", "policy", "entry")}),
    )

    @admin.display(description="Due", ordering="due_on")
    def due(self, recertification: Recertification) -> str:
        due_on = recertification.due_on
        return f"{due_on} ({days_left(due_on, timezone.now().date())})"

    @admin.display(description="Undecided")
    def undecided(self, recertification: Recertification) -> int:
        return recertification.roles.filter(decided=None).count()

    @admin.display(description="Roles")
    def roles_table(self, recertification: Recertification) -> SafeString:
        held = recertification.roles.select_related("holder", "decided__decided_by")
        return table(["Who, and what", "Decided", "By", "Why"], [_row(each) for each in held])


def _row(held: RoleHeld) -> tuple[object, ...]:
    decided = getattr(held, "decided", None)
    if decided is None:
        return link(held), tag("open"), "-", "-"
    return link(held), tag(decided.decision), decided.decided_by, decided.reason


@admin.register(RoleHeld)
class RoleHeldAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "recertification", "state")
    list_filter = ("recertification", "role")
    list_select_related = ("holder", "recertification", "decided")
    fields = ("recertification", "holder", "role", "state", "entry")

    @admin.display(description="Decided")
    def state(self, held: RoleHeld) -> SafeString:
        return tag(held.decided.decision if hasattr(held, "decided") else "open")


@admin.register(RoleDecision)
class RoleDecisionAdmin(ReadOnlyAdmin):
    list_display = ("held", "decision", "decided_by", "decided_at", "reason")
    list_filter = ("decision",)
    list_select_related = ("held__holder", "decided_by")


@admin.register(LateRecertification)
class LateRecertificationAdmin(ReadOnlyAdmin):
    list_display = ("recertification", "noticed_at", "summary")
    list_select_related = ("recertification",)


def _open(_: None, fields: dict[str, Any], by: User) -> Done:
    opened = open_recertification(fields["due_on"], by=by)
    return Done(f"{opened.roles.count()} roles are to be certified by {opened.due_on}.")


def _certify(held: RoleHeld, fields: dict[str, Any], by: User) -> Done:
    decide_role(held.pk, Decision.CERTIFY, fields["reason"], by=by)
    return Done(f"{held.holder} keeps the role {held.role}.")


def _revoke(held: RoleHeld, fields: dict[str, Any], by: User) -> Done:
    decide_role(held.pk, Decision.REVOKE, fields["reason"], by=by)
    return Done(f"{held.holder} no longer holds the role {held.role}.")


def _is_to_decide(held: RoleHeld, user: User) -> bool:
    return held.holder_id != user.pk and not hasattr(held, "decided")


offer(
    ActPage(
        model=Recertification,
        slug="open",
        title="Open this quarter's review",
        icon="fact_check",
        needs="governance.open_recertification",
        what_happens="Every role that every person holds today is asked about. Nothing is taken from anybody until somebody decides.",
        perform=_open,
        form=OpeningForm,
        on_list=True,
    ),
    ActPage(
        model=RoleHeld,
        slug="certify",
        title="Certify",
        icon="task_alt",
        needs="governance.certify_role",
        what_happens="The person keeps the role, on your word.",
        perform=_certify,
        form=RoleReasonForm,
        applies=_is_to_decide,
    ),
    ActPage(
        model=RoleHeld,
        slug="revoke",
        title="Revoke",
        icon="remove_moderator",
        needs="governance.certify_role",
        what_happens="The person's next act is already refused.",
        perform=_revoke,
        form=RoleReasonForm,
        applies=_is_to_decide,
        danger=True,
    ),
)

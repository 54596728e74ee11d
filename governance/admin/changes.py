"""Windows on change requests and approvals, and the buttons of maker and checker."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from governance.actions.changes import (
    request_adoption,
    request_promotion,
    request_revocation,
)
from governance.actions.gates import request_gates
from governance.actions.versions import suspend_version
from governance.admin import evidence
from governance.admin.challenge import (
    COMMENT,
    ApprovalForm,
    CommentInline,
    EvidenceViewInline,
    ReminderInline,
    conditions_in,
    conditions_shown,
)
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import link, table, tag
from governance.deciding import decide_change, go_back, take_back
from governance.models import (
    Approval,
    ChangeRequest,
    Rollback,
)
from governance.queries.changes import may_decide, seats_awaited
from registry.models import ModelVersion, Policy, Stage

Kind = ChangeRequest.Kind
State = ChangeRequest.State


class ApprovalInline(ReadOnlyInline):
    model = Approval
    hide_title = True
    fields = ("approver", "decision", "seat", "delegation", "rationale", "decided_at")


@admin.register(ChangeRequest)
class ChangeRequestAdmin(ReadOnlyAdmin):
    """What was asked for, on which evidence, and who decided."""

    list_display = (
        "what_asked",
        "state_shown",
        "kind",
        "requested_by",
        "requested_at",
        "expires_at",
    )
    list_filter = ("state", "kind", "target")
    list_select_related = ("version__model", "policy", "erasure_case", "requested_by")
    fieldsets = (
        (None, {"fields": ("what_asked", "state_shown", "about", "rationale", "closing_reason")}),
        ("People", {"fields": ("requested_by", "made_by", "awaited")}),
        ("Conditions of the approvals", {"fields": ("conditions_table",)}),
        ("Clock", {"fields": ("requested_at", "expires_at", "decided_at")}),
        ("Evidence it is bound to", {"fields": ("evidence_digest", "evidence_table")}),
        ("Record", {"fields": ("id", "entry")}),
    )
    inlines = (ApprovalInline, CommentInline, EvidenceViewInline, ReminderInline)

    @admin.display(description="Change")
    def what_asked(self, change: ChangeRequest) -> str:
        return change.what

    @admin.display(description="State", ordering="state")
    def state_shown(self, change: ChangeRequest) -> SafeString:
        return tag(change.state)

    @admin.display(description="Approvals awaited")
    def awaited(self, change: ChangeRequest) -> str:
        return ", ".join(seats_awaited(change)) or "-"

    @admin.display(description="Conditions")
    def conditions_table(self, change: ChangeRequest) -> str:
        return conditions_shown(change)

    @admin.display(description="About")
    def about(self, change: ChangeRequest) -> str:
        return link(change.version or change.policy or change.erasure_case)

    @admin.display(description="Evidence")
    def evidence_table(self, change: ChangeRequest) -> SafeString:
        parts = sorted(change.evidence.items())
        return table(["Part", "Value"], [(name, _unbroken(value)) for name, value in parts])


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ("decided_at", "decision_shown", "change", "approver", "rationale")
    list_filter = ("decision", "approver")
    fields = (
        "change",
        "approver",
        "decision_shown",
        "seat",
        "delegation",
        "rationale",
        "decided_at",
        "entry",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Approval]:
        approvals: QuerySet[Approval] = super().get_queryset(request)
        return approvals.select_related("change_request__version__model", "change_request__policy", "change_request__erasure_case", "approver")  # fmt: skip

    @admin.display(description="Change")
    def change(self, approval: Approval) -> str:
        return link(approval.change_request)

    @admin.display(description="Decision", ordering="decision")
    def decision_shown(self, approval: Approval) -> SafeString:
        return tag(approval.decision)


@admin.register(Rollback)
class RollbackAdmin(ReadOnlyAdmin):
    list_display = ("rolled_back_at", "model", "from_version", "to_version", "rolled_back_by")
    list_filter = ("model",)
    list_select_related = (
        "model", "from_version__model", "to_version__model", "rolled_back_by",
    )  # fmt: skip
    fields = (
        "model", "from_version", "to_version", "rationale", "rolled_back_by", "rolled_back_at", "clearance", "entry",
    )  # fmt: skip


def _unbroken(value: object) -> str:
    """Digests as they are, broken where the line ends."""
    text = _text(value)
    return format_html('<span class="break-all">{}</span>', text)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_text(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)


def _approve(change: ChangeRequest, fields: dict[str, Any], by: User) -> Done:
    decided = decide_change(
        change.pk,
        Approval.Decision.APPROVE,
        fields["rationale"],
        by=by,
        conditions=conditions_in(fields),
    )
    if decided.state == State.OPEN:
        return Done(f"Approved: {decided.what}. It waits for somebody else's approval as well.")
    return Done(f"Approved: {decided.what}. It is in effect.")


def _reject(change: ChangeRequest, fields: dict[str, Any], by: User) -> Done:
    decided = decide_change(change.pk, Approval.Decision.REJECT, fields["rationale"], by=by)
    return Done(f"Rejected: {decided.what}.")


def _withdraw(change: ChangeRequest, fields: dict[str, Any], by: User) -> Done:
    take_back(change.pk, fields["rationale"], by=by)
    return Done("The request was withdrawn.")


def _measure(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    request_gates(version, by=by)
    return Done(f"{version} is being measured; its report will be listed under gate reports.")


def _request_staging(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    request_promotion(version, ChangeRequest.Target.STAGING, fields["rationale"], by=by)
    return Done(f"Asked: {version} to staging. A validator decides.")


def _request_production(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    request_promotion(version, ChangeRequest.Target.PRODUCTION, fields["rationale"], by=by)
    return Done(f"Asked: {version} to production. An approver decides.")


def _request_revocation(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    request_revocation(version, fields["rationale"], by=by)
    return Done(f"Asked: to revoke {version}. An approver decides.")


def _request_adoption(policy: Policy, fields: dict[str, Any], by: User) -> Done:
    request_adoption(policy, fields["rationale"], by=by)
    return Done(f"Asked: to adopt {policy}. An approver decides.")


def _suspend(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    suspend_version(version, fields["rationale"], by=by)
    return Done(f"{version} is suspended and scores nothing from here on.")


def _roll_back(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    rollback = go_back(version.model, fields["rationale"], by=by)
    return Done(f"{rollback.to_version} is the champion again; {version} is suspended.")


def _open_for(change: ChangeRequest, user: User) -> bool:
    return change.state == State.OPEN and may_decide(user, change)


def _own_and_open(change: ChangeRequest, user: User) -> bool:
    return change.state == State.OPEN and change.requested_by_id == user.pk


def _in(*stages: Stage) -> Any:
    return lambda version, user: version.stage in stages


offer(
    ActPage(
        model=ChangeRequest,
        slug="approve",
        title="Approve",
        icon="check",
        needs="governance.decide_change",
        what_happens="You approve this change on the evidence below. It takes effect with the last approval it needs. Your name, your "
        "rationale and the evidence digest go into the log.",
        perform=_approve,
        form=ApprovalForm,
        applies=_open_for,
        evidence=evidence.of_change,
    ),
    ActPage(
        model=ChangeRequest,
        slug="reject",
        title="Reject",
        icon="close",
        needs="governance.decide_change",
        what_happens="You turn this change down. Nothing changes; it can be asked for again on new evidence.",
        perform=_reject,
        applies=_open_for,
        evidence=evidence.of_change,
        danger=True,
    ),
    ActPage(
        model=ChangeRequest,
        slug="withdraw",
        title="Withdraw",
        icon="undo",
        needs="governance.request_change",
        what_happens="You take your own request back.",
        perform=_withdraw,
        applies=lambda change, user: _own_and_open(change, user) and change.kind != Kind.ERASURE,
    ),
    ActPage(
        model=ChangeRequest,
        slug="withdraw-erasure",
        title="Withdraw",
        icon="undo",
        needs="governance.request_erasure",
        what_happens="You take your own request back. The request for erasure stays disputed.",
        perform=_withdraw,
        applies=lambda change, user: _own_and_open(change, user) and change.kind == Kind.ERASURE,
    ),
    COMMENT,
    ActPage(
        model=ModelVersion,
        slug="measure",
        title="Measure gates",
        icon="straighten",
        needs="governance.measure_gates",
        what_happens="A worker measures this version against the gate policy in force. A new report voids an open "
        "request that rests on an earlier one.",
        perform=_measure,
        form=forms.Form,
    ),
    ActPage(
        model=ModelVersion,
        slug="request-staging",
        title="Request staging",
        icon="arrow_forward",
        needs="governance.request_change",
        what_happens="You ask a validator to clear this version for staging, on the evidence below and no other.",
        perform=_request_staging,
        applies=_in(Stage.REGISTERED, Stage.SUSPENDED),
        evidence=evidence.of_version,
    ),
    ActPage(
        model=ModelVersion,
        slug="request-production",
        title="Request production",
        icon="rocket_launch",
        needs="governance.request_change",
        what_happens="You ask an approver to make this version the champion, on the evidence below and no other.",
        perform=_request_production,
        applies=_in(Stage.STAGING),
        evidence=evidence.of_version,
    ),
    ActPage(
        model=ModelVersion,
        slug="request-revocation",
        title="Request revocation",
        icon="block",
        needs="governance.request_change",
        what_happens="You ask an approver to take every clearance from this version.",
        perform=_request_revocation,
        applies=_in(Stage.STAGING, Stage.PRODUCTION),
    ),
    ActPage(
        model=ModelVersion,
        slug="suspend",
        title="Suspend",
        icon="front_hand",
        needs="governance.suspend_version",
        what_happens="Every clearance of this version ends now: the next application is already refused. Coming back "
        "takes staging and production again.",
        perform=_suspend,
        applies=_in(Stage.STAGING, Stage.PRODUCTION),
        danger=True,
    ),
    ActPage(
        model=ModelVersion,
        slug="roll-back",
        title="Roll back",
        icon="history",
        needs="governance.roll_back",
        what_happens="The former champion takes this version's place now, on the evidence it was approved on: the "
        "next application is already decided by it. This version is suspended.",
        perform=_roll_back,
        applies=_in(Stage.PRODUCTION),
        danger=True,
    ),
    ActPage(
        model=Policy,
        slug="request-adoption",
        title="Request adoption",
        icon="gavel",
        needs="governance.request_change",
        what_happens="You ask an approver to adopt this policy. It replaces the one in force.",
        perform=_request_adoption,
        applies=lambda policy, user: policy.status == Policy.Status.PROPOSED,
        evidence=evidence.of_policy,
    ),
)

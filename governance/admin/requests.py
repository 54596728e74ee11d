"""The buttons that ask for what is out of the ordinary, and the window on exceptions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.admin_base import ReadOnlyAdmin
from governance.actions.requests import (
    Override,
    request_break_glass,
    request_cut_off,
    request_exception,
    request_rollback,
    request_rollout,
)
from governance.admin import evidence
from governance.admin.fields import choice, day, line, number, paragraph
from governance.admin.pages import ActPage, Done, RationaleForm, offer
from governance.admin.parts import link, tag
from governance.models import ThresholdException
from registry.models import ModelVersion, Stage
from registry.queries import champion
from serving.actions.deployments import end_deployment
from serving.models import Deployment

ASKS = "governance.request_change"


class ExceptionForm(RationaleForm):
    check = line("Check", "Its name in the gate policy, for example auc.")
    minimum = number("Minimum", "In place of the policy's; empty where the check has none.")
    maximum = number("Maximum", "In place of the policy's; empty where the check has none.")
    expires_on = day("Until the end of", "The last day, in UTC.")
    compensating_controls = paragraph("Compensating controls", "What makes up for it meanwhile.")
    whole_model = forms.BooleanField(required=False, label="For every version of the model")


class BreakGlassForm(RationaleForm):
    hours = forms.IntegerField(
        label="Hours",
        widget=UnfoldAdminTextInputWidget,
        help_text="How long it decides; then its clearance ends by itself.",
    )


class RolloutForm(RationaleForm):
    role = choice("Role", [(role.value, role.label) for role in Deployment.Role])
    share_percent = forms.IntegerField(
        label="Share in percent",
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the model's applications, 1 to 50. A shadow decides nothing and scores 1 to 100.",
    )


class EndForm(forms.Form):
    reason = paragraph("Reason", "Why. It is recorded under your name.")


@admin.register(ThresholdException)
class ThresholdExceptionAdmin(ReadOnlyAdmin):
    """Which check is judged between which limits instead of the policy's, and until when."""

    list_display = ("about_link", "check_name", "minimum", "maximum", "state", "expires_at")
    list_display_links = ("check_name",)
    list_filter = ("model", "check_name")
    list_select_related = ("model", "version__model", "policy")
    fields = (
        "about_link", "check_name", "minimum", "maximum", "state", "policy", "justification",
        "compensating_controls", "change_request", "granted_at", "expires_at", "entry",
    )  # fmt: skip

    @admin.display(description="About")
    def about_link(self, exception: ThresholdException) -> str:
        return link(exception.about)

    @admin.display(description="State")
    def state(self, exception: ThresholdException) -> SafeString:
        return tag("live" if exception.is_live(timezone.now()) else "ended")


def _request_exception(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    rationale = fields.pop("rationale")
    change = request_exception(version, Override(**fields), rationale, by=by)
    return Done(f"Asked: to {change.what}. It counts from the measuring after it is granted.")


def _request_break_glass(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    change = request_break_glass(version, fields["hours"], fields["rationale"], by=by)
    return Done(f"Asked: {change.what}. A validator and an approver decide within a day.")


def _request_cut_off(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    change = request_cut_off(version, fields["rationale"], by=by)
    return Done(f"Asked: {change.what}. A validator and an approver decide.")


def _request_rollback(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    change = request_rollback(version.model, fields["rationale"], by=by)
    return Done(f"Asked: to {change.what}. An approver decides.")


def _request_rollout(version: ModelVersion, fields: dict[str, Any], by: User) -> Done:
    change = request_rollout(version, **fields, by=by)
    return Done(f"Asked: {change.what}.")


def _end(step: Deployment, fields: dict[str, Any], by: User) -> Done:
    ended = end_deployment(step.pk, fields["reason"], by=by)
    return Done(f"{ended.version} decides no applications from here on; the champion decides all.")


def _in(*stages: Stage) -> Any:
    return lambda version, user: version.stage in stages


def _is_successor(version: ModelVersion, user: User) -> bool:
    now = champion(version.model)
    return (
        version.stage == Stage.REGISTERED
        and now is not None
        and now.artefact_id == version.artefact_id
    )


offer(
    ActPage(
        model=ModelVersion,
        slug="request-exception",
        title="Request exception",
        icon="rule_settings",
        needs=ASKS,
        what_happens="You ask for another limit of one check of the gate policy in force, for a time. Your rationale is the "
        "justification. The report will show the policy's limit beside it.",
        perform=_request_exception,
        form=ExceptionForm,
        evidence=evidence.of_version,
    ),
    ActPage(
        model=ModelVersion,
        slug="request-cut-off",
        title="Request cut-off",
        icon="content_cut",
        needs=ASKS,
        what_happens="This version is the champion's artefact with another cut-off and a baseline of its own. You ask a validator "
        "and an approver to put it in the champion's place, on the evidence below and no other.",
        perform=_request_cut_off,
        applies=_is_successor,
        evidence=evidence.of_version,
    ),
    ActPage(
        model=ModelVersion,
        slug="request-rollback",
        title="Request rollback",
        icon="settings_backup_restore",
        needs=ASKS,
        what_happens="You ask an approver to bring the former champion back in this version's place. Where it cannot wait, "
        "an approver rolls back alone.",
        perform=_request_rollback,
        applies=_in(Stage.PRODUCTION),
    ),
    ActPage(
        model=ModelVersion,
        slug="request-break-glass",
        title="Break glass",
        icon="e911_emergency",
        needs=ASKS,
        what_happens="An emergency: you ask a validator and an approver to let this version decide for some hours, whatever its "
        "gates and findings say. It opens a finding that you own. The clearance ends by itself.",
        perform=_request_break_glass,
        form=BreakGlassForm,
        applies=_in(Stage.REGISTERED, Stage.STAGING, Stage.SUSPENDED, Stage.ARCHIVED),
        evidence=evidence.of_version,
        danger=True,
    ),
    ActPage(
        model=ModelVersion,
        slug="request-rollout",
        title="Request rollout step",
        icon="call_split",
        needs=ASKS,
        what_happens="You ask for this version to decide a share of the applications beside the champion, or to score a share in "
        "its shadow. A larger share is another request.",
        perform=_request_rollout,
        form=RolloutForm,
        applies=_in(Stage.STAGING),
        evidence=evidence.of_version,
    ),
    ActPage(
        model=Deployment,
        slug="end",
        title="End rollout",
        icon="stop_circle",
        needs="serving.end_deployment",
        what_happens="The version's share goes back to the champion with the next application, and its clearance ends.",
        perform=_end,
        form=EndForm,
        applies=lambda step, user: step.ended_at is None,
        danger=True,
    ),
)

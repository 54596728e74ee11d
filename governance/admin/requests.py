"""The buttons that ask for what is out of the ordinary, and the window on exceptions."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from governance.actions.requests import Override, request_exception
from governance.admin import evidence
from governance.admin.fields import day, line, number, paragraph
from governance.admin.pages import ActPage, Done, RationaleForm, offer
from governance.admin.parts import link, tag
from governance.models import ThresholdException
from registry.models import ModelVersion, Stage

ASKS = "governance.request_change"


class ExceptionForm(RationaleForm):
    check = line("Check", "Its name in the gate policy, for example auc.")
    minimum = number("Minimum", "In place of the policy's; empty where the check has none.")
    maximum = number("Maximum", "In place of the policy's; empty where the check has none.")
    expires_on = day("Until the end of", "The last day, in UTC.")
    compensating_controls = paragraph("Compensating controls", "What makes up for it meanwhile.")
    whole_model = forms.BooleanField(required=False, label="For every version of the model")


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


def _in(*stages: Stage) -> Any:
    return lambda version, user: version.stage in stages


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
)

"""Windows on retraining cases and incidents, and the buttons that open and close them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.admin_base import ReadOnlyAdmin, ReadOnlyInline
from governance.actions.cases import close_without_retraining, open_case
from governance.actions.incidents import close_incident
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import link, tag
from governance.clock import time_left
from governance.models import CaseAlert, CaseStep, CaseWarning, Incident, RetrainingCase
from governance.queries.cases import BY_HAND
from registry.models import ScoringModel


class CauseForm(forms.Form):
    cause = forms.CharField(
        required=False,
        label="Cause",
        help_text="What it was, and why nothing more is needed. It is recorded under your name.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        required=False,
        label="Reason",
        help_text="What you saw. It is recorded under your name.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


class StepInline(ReadOnlyInline):
    model = CaseStep
    hide_title = True
    fields = ("step", "budget_minutes", "started_at", "finished_at", "outcome", "actor", "detail")


class AlertInline(ReadOnlyInline):
    model = CaseAlert
    hide_title = True
    fields = ("alert",)


class WarningInline(ReadOnlyInline):
    model = CaseWarning
    hide_title = True
    fields = ("percent", "raised_at")


@admin.register(RetrainingCase)
class RetrainingCaseAdmin(ReadOnlyAdmin):
    """Each case with its clock and every step."""

    list_display = ("model", "cause", "state_shown", "left", "detected_at", "due_at", "candidate")
    list_display_links = ("model", "cause")
    list_filter = ("state", "model", "cause")
    list_select_related = ("model", "candidate_version__model")
    fieldsets = (
        (None, {"fields": ("model", "cause", "reason", "state_shown", "candidate")}),
        ("Clock", {"fields": ("detected_at", "due_at", "left", "closed_at", "closing_reason")}),
        ("Record", {"fields": ("id", "window_end", "entry")}),
    )
    inlines = (StepInline, AlertInline, WarningInline)

    @admin.display(description="State", ordering="state")
    def state_shown(self, case: RetrainingCase) -> SafeString:
        return tag(case.state)

    @admin.display(description="Time left")
    def left(self, case: RetrainingCase) -> str:
        return "-" if case.is_closed else time_left(case.due_at, timezone.now())

    @admin.display(description="Candidate")
    def candidate(self, case: RetrainingCase) -> str:
        return link(case.candidate_version)


@admin.register(CaseStep)
class CaseStepAdmin(ReadOnlyAdmin):
    list_display = ("case", "step", "outcome", "started_at", "finished_at", "actor")
    list_filter = ("step", "outcome")
    list_select_related = ("case__model", "actor")


@admin.register(CaseAlert)
class CaseAlertAdmin(ReadOnlyAdmin):
    list_display = ("case", "alert")
    list_select_related = ("case__model", "alert")


@admin.register(CaseWarning)
class CaseWarningAdmin(ReadOnlyAdmin):
    list_display = ("case", "percent", "raised_at")
    list_select_related = ("case__model",)


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("opened_at", "kind", "version", "state_shown", "summary")
    list_display_links = ("opened_at", "kind")
    list_filter = ("state", "kind")
    list_select_related = ("version__model",)
    fields = ("kind", "about", "state_shown", "summary", "opened_at", "closed_at", "cause", "entry")

    @admin.display(description="About")
    def about(self, incident: Incident) -> str:
        return link(incident.version) if incident.version else "The log"

    @admin.display(description="State", ordering="state")
    def state_shown(self, incident: Incident) -> SafeString:
        return tag(incident.state)


def _close_case(case: RetrainingCase, fields: dict[str, Any], by: User) -> Done:
    close_without_retraining(case.pk, fields["cause"], by=by)
    return Done("The case is closed: no retraining is required.")


def _close_incident(incident: Incident, fields: dict[str, Any], by: User) -> Done:
    close_incident(incident.pk, fields["cause"], by=by)
    return Done("The incident is closed.")


def _open_case(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    case = open_case(model, BY_HAND, fields["reason"], by=by)
    return Done(f"A retraining case is open, due {case.due_at:%Y-%m-%d %H:%M} UTC.")


offer(
    ActPage(
        model=RetrainingCase,
        slug="close",
        title="Close without retraining",
        icon="task_alt",
        needs="governance.close_case",
        what_happens="You answer this case with a cause instead of a new model. The champion stays.",
        perform=_close_case,
        form=CauseForm,
        applies=lambda case, user: not case.is_closed,
    ),
    ActPage(
        model=Incident,
        slug="close",
        title="Close",
        icon="task_alt",
        needs="governance.close_incident",
        what_happens="You close this incident with its cause. A further fact of the kind opens another.",
        perform=_close_incident,
        form=CauseForm,
        applies=lambda incident, user: incident.state == Incident.State.OPEN,
    ),
    ActPage(
        model=ScoringModel,
        slug="open-case",
        title="Open a retraining case",
        icon="model_training",
        needs="governance.open_case",
        what_happens="A case opens with a deadline in 24 hours. Workers carry it until people must decide.",
        perform=_open_case,
        form=ReasonForm,
    ),
)

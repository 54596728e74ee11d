"""Windows on attestations and revalidations, and the buttons that make them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.admin_base import ReadOnlyAdmin
from governance.actions.attestations import attest_model
from governance.actions.revalidations import complete_revalidation, open_revalidation
from governance.admin.fields import choice, day, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import tag
from governance.clock import days_left
from governance.models import Attestation, Revalidation
from registry.models import ScoringModel

State = Revalidation.State


class AttestationForm(forms.Form):
    statement = paragraph(
        "Statement", "What you looked at and found. It is recorded under your name."
    )


class RevalidationForm(forms.Form):
    cause = choice("Cause", list(Revalidation.Cause.choices))
    due_on = day("Due on")


class CompletionForm(forms.Form):
    outcome = choice("Outcome", list(Revalidation.Outcome.choices))
    summary = paragraph("Summary", "What was validated and found. It is recorded under your name.")


@admin.register(Attestation)
class AttestationAdmin(ReadOnlyAdmin):
    list_display = ("model", "from_on", "to_on", "attested_by", "next_due_on")
    list_filter = ("model",)
    list_select_related = ("model", "attested_by")
    fields = ("model", "statement", "from_on", "to_on", "attested_by", "attested_at", "next_due_on", "policy", "entry")  # fmt: skip


@admin.register(Revalidation)
class RevalidationAdmin(ReadOnlyAdmin):
    """Each validation that a model is or was due, and what came of it."""

    list_display = (
        "model",
        "cause",
        "state_shown",
        "due",
        "outcome_shown",
        "completed_by",
        "next_due_on",
    )
    list_display_links = ("model", "cause")
    list_filter = ("state", "cause", "model")
    list_select_related = ("model", "completed_by")
    fieldsets = (
        (None, {"fields": ("model", "cause", "state_shown", "due", "opened_by", "opened_at")}),
        ("Outcome", {"fields": ("outcome_shown", "summary", "completed_by", "completed_at", "next_due_on")}),
        ("Record", {"fields": ("id", "entry")}),
    )  # fmt: skip

    @admin.display(description="State", ordering="state")
    def state_shown(self, revalidation: Revalidation) -> SafeString:
        return tag(revalidation.state)

    @admin.display(description="Outcome", ordering="outcome")
    def outcome_shown(self, revalidation: Revalidation) -> str:
        return tag(revalidation.outcome) if revalidation.outcome else "-"

    @admin.display(description="Due", ordering="due_on")
    def due(self, revalidation: Revalidation) -> str:
        if revalidation.state == State.COMPLETED:
            return str(revalidation.due_on)
        return f"{revalidation.due_on} ({days_left(revalidation.due_on, timezone.now().date())})"


def _attest(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    attestation = attest_model(model, fields["statement"], by=by)
    return Done(f"Attested; the next is due {attestation.next_due_on}.")


def _open(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    revalidation = open_revalidation(model, fields["cause"], fields["due_on"], by=by)
    return Done(f"A revalidation is open, due {revalidation.due_on}.")


def _complete(revalidation: Revalidation, fields: dict[str, Any], by: User) -> Done:
    done = complete_revalidation(revalidation.pk, fields["outcome"], fields["summary"], by=by)
    return Done(f"The revalidation is completed; the next is due {done.next_due_on}.")


offer(
    ActPage(
        model=ScoringModel,
        slug="attest",
        title="Attest",
        icon="verified",
        needs="governance.attest_model",
        what_happens="As its owner you attest that this entry and the use of the model are as recorded, since you last did.",
        perform=_attest,
        form=AttestationForm,
        applies=lambda model, user: model.owner_id == user.pk,
    ),
    ActPage(
        model=ScoringModel,
        slug="open-revalidation",
        title="Open a revalidation",
        icon="rule",
        needs="governance.open_revalidation",
        what_happens="The model is due to be validated again by that day.",
        perform=_open,
        form=RevalidationForm,
    ),
    ActPage(
        model=Revalidation,
        slug="complete",
        title="Complete",
        icon="task_alt",
        needs="governance.complete_revalidation",
        what_happens="You say what the validation found. The policy says when the next is due.",
        perform=_complete,
        form=CompletionForm,
        applies=lambda revalidation, user: revalidation.state == State.OPEN,
    ),
)

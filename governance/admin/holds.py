"""Windows on legal holds, and the buttons that place and release them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.actions.holds import HoldOrder, place_hold, release_hold
from audit.admin_base import ReadOnlyAdmin
from audit.models import LegalHold
from governance.admin.fields import choice, day, identifier, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.admin.parts import tag
from governance.clock import days_left

SCOPES = [
    ("subject", "one person"),
    ("model", "the decisions of one model"),
    ("everything", "everything"),
]


class HoldForm(forms.Form):
    matter = line("Matter", "Its number, without a name in it.")
    scope = choice("Covers", SCOPES)
    subject_id = identifier("Person", "Their identifier here, for a hold on one person.")
    model = line("Model", "Its name, for a hold on one model.")
    first_on = day("From", "Leave empty for no beginning.", required=False)
    last_on = day("To", "Included. Leave empty for no end.", required=False)
    custodian = line("Custodian", "Who answers for the hold.")
    reason = paragraph("Reason", "Why the records must be kept.")
    review_on = day("Review on", "When it is looked at again.")


class ReleaseForm(forms.Form):
    reason = paragraph(
        "Reason", "Why the matter no longer needs it. It is recorded under your name."
    )


@admin.register(LegalHold)
class LegalHoldAdmin(ReadOnlyAdmin):
    """Each hold, what it covers, and when it is reviewed."""

    list_display = ("matter", "state_shown", "covered", "custodian", "review", "placed_at")
    list_display_links = ("matter",)
    list_filter = ("scope",)
    search_fields = ("matter", "=subject__id", "model_name")
    fieldsets = (
        (None, {"fields": ("matter", "state_shown", "covered", "custodian", "reason", "review")}),
        ("Record", {"fields": ("placed_by", "placed_at", "released_by", "released_at", "release_reason", "id", "entry")}),
    )  # fmt: skip

    @admin.display(description="State")
    def state_shown(self, hold: LegalHold) -> SafeString:
        return tag("in force" if hold.released_at is None else "released")

    @admin.display(description="Covers")
    def covered(self, hold: LegalHold) -> str:
        return hold.covers

    @admin.display(description="Review", ordering="review_on")
    def review(self, hold: LegalHold) -> str:
        if hold.released_at is not None:
            return "-"
        return f"{hold.review_on} ({days_left(hold.review_on, timezone.now().date())})"


def _place(_: None, fields: dict[str, Any], by: User) -> Done:
    hold = place_hold(HoldOrder(**fields), by=by)
    return Done(f"In force: {hold.covers} is kept, whatever else would end it.")


def _release(hold: LegalHold, fields: dict[str, Any], by: User) -> Done:
    release_hold(hold.pk, fields["reason"], by=by)
    return Done("The hold is released. What it kept is erased by its own rules again.")


offer(
    ActPage(
        model=LegalHold,
        slug="place",
        title="Place a hold",
        icon="gavel",
        needs="audit.place_hold",
        what_happens="From now on nothing that the hold covers is erased: neither on request nor at the end of retention.",
        perform=_place,
        form=HoldForm,
        on_list=True,
    ),
    ActPage(
        model=LegalHold,
        slug="release",
        title="Release",
        icon="lock_open",
        needs="audit.release_hold",
        what_happens="What the hold kept is erased by its own rules again: at the next pass, or when a person asks.",
        perform=_release,
        form=ReleaseForm,
        applies=lambda hold, user: hold.released_at is None,
        danger=True,
    ),
)

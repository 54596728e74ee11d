"""The buttons that amend a model's entry in the inventory, assess how material it is, and change its tier."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from audit.admin_base import ReadOnlyAdmin
from governance.actions.materiality import assess_materiality
from governance.admin.fields import Lines, choice, line, paragraph
from governance.admin.pages import ActPage, Done, RationaleForm, offer
from governance.admin.parts import tag
from governance.models import MaterialityAssessment, TierChangeAnswer
from registry.actions.models import amend_model, change_tier
from registry.models import ScoringModel
from registry.models.inventory import AMENDABLE

RATINGS = [("", "not rated"), *ScoringModel.Rating.choices]


class AmendmentForm(RationaleForm):
    title = line("Title")
    purpose = paragraph("Purpose")
    product = line("Product")
    approved_uses = Lines("Approved uses")
    prohibited_uses = Lines("Prohibited uses")
    actual_use = paragraph("Actual use")
    operating_boundaries = paragraph("Operating boundaries")
    jurisdictions = Lines("Jurisdictions")
    regulatory_use = line("Regulatory use", "Empty where the score feeds no regulatory figure.")
    label_meaning = paragraph("Meaning of the label")
    label_window_months = forms.IntegerField(
        required=False,
        label="Performance window",
        help_text="In months.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    complexity = choice("Complexity", RATINGS)
    inherent_risk = choice("Inherent risk", RATINGS)
    owner = line("Owner", "The account of whoever answers for the model.")
    users = Lines("Users")
    vendor = line("Vendor", "Empty where it was built in the bank.")
    methodology = paragraph("Methodology")
    assumptions = paragraph("Assumptions")
    limitations = paragraph("Limitations")
    compensating_controls = paragraph("Compensating controls")
    dependencies = Lines("Dependencies")
    field_order = (*AMENDABLE, "rationale")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("complexity", "inherent_risk"):
            self.fields[name].required = False


class TierForm(RationaleForm):
    tier = choice("Tier", [("1", "1"), ("2", "2"), ("3", "3")])


@admin.register(MaterialityAssessment)
class MaterialityAssessmentAdmin(ReadOnlyAdmin):
    """What each model decided in a period, what for, and the tier that makes."""

    list_display = ("model", "exposure_shown", "purpose_shown", "tier", "proposed_tier", "assessed_by", "assessed_at")  # fmt: skip
    list_filter = ("model", "proposed_tier")
    list_select_related = ("model", "assessed_by")
    fieldsets = (
        (None, {"fields": ("model", "revision", "tier", "proposed_tier", "rationale", "assessed_by", "assessed_at")}),
        ("Exposure", {"fields": ("exposure_shown", "period_from", "period_to", "decisions", "amount", "amounts_known", "amount_feature", "amount_unit", "basis")}),
        ("Purpose", {"fields": ("purpose_shown",)}),
        ("Record", {"fields": ("id", "policy", "entry")}),
    )  # fmt: skip

    @admin.display(description="Exposure", ordering="exposure")
    def exposure_shown(self, assessment: MaterialityAssessment) -> SafeString:
        return tag(assessment.exposure)

    @admin.display(description="Purpose", ordering="purpose")
    def purpose_shown(self, assessment: MaterialityAssessment) -> SafeString:
        return tag(assessment.purpose)


@admin.register(TierChangeAnswer)
class TierChangeAnswerAdmin(ReadOnlyAdmin):
    list_display = ("change", "revalidation", "answered_at")
    list_select_related = ("change__model", "revalidation__model")


def _entry(model: ScoringModel) -> dict[str, Any]:
    return model.inventory


def _amend(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    """What stands in the form is what the entry shall say; a field that is as before is no amendment."""
    before = {name: _read(value) for name, value in model.inventory.items()}
    said = {name: _read(fields[name]) for name in AMENDABLE}
    changes: dict[str, Any] = {name: said[name] for name in AMENDABLE if said[name] != before[name]}
    if "owner" in changes:
        changes["owner"] = User.objects.filter(username=changes["owner"], is_active=True).first()
    amended = amend_model(model, changes, fields["rationale"], by=by)
    return Done(f"Revision {amended.revision} of the entry; the one before stays in its history.")


def _read(value: Any) -> Any:
    """A text without what browsers put into it: their line ends, and space around it."""
    return "\n".join(value.splitlines()).strip() if isinstance(value, str) else value


def _assess(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    found = assess_materiality(model, fields["rationale"], by=by)
    return Done(f"{found} is proposed; the model is in tier {found.tier}.")


def _change_tier(model: ScoringModel, fields: dict[str, Any], by: User) -> Done:
    change_tier(model, int(fields["tier"]), fields["rationale"], by=by)
    return Done(f"{model} is in tier {fields['tier']} from here on, and is to be validated again.")


offer(
    ActPage(
        model=ScoringModel,
        slug="amend",
        title="Amend",
        icon="edit_note",
        needs="registry.amend_model",
        what_happens="The entry says from here on what you write; the state before stays in its history, with your reason.",
        perform=_amend,
        form=AmendmentForm,
        initial=_entry,
    ),
    ActPage(
        model=ScoringModel,
        slug="assess-materiality",
        title="Assess materiality",
        icon="balance",
        needs="governance.assess_materiality",
        what_happens="What the model decided lately and what it is for are put on record, with the tier that the policy makes of them. The tier itself stays.",
        perform=_assess,
    ),
    ActPage(
        model=ScoringModel,
        slug="change-tier",
        title="Change tier",
        icon="layers",
        needs="registry.change_tier",
        what_happens="The model moves to another tier and is validated again; the state before stays in its history.",
        perform=_change_tier,
        form=TierForm,
    ),
)

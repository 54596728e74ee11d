"""How material a model is comes from what it decided and what it is for; a change of tier is validated again."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from audit.queries import service_account
from governance import sweeps
from governance.actions.materiality import assess_materiality
from governance.actions.revalidations import answer_tier_change, complete_revalidation
from governance.errors import (
    NoMaterialityRules,
    OversightPolicyMalformed,
    RationaleMissing,
    TierChangeAnswered,
)
from governance.materiality import Exposure, MaterialityRules
from governance.models import MaterialityAssessment, Revalidation, TierChangeAnswer
from governance.oversight_policy import OversightPolicy
from registry.actions.models import amend_model, change_tier
from registry.models import ModelRecord, ScoringModel
from tests.governance.builders import MATERIALITY, OVERSIGHT, WHY, an_oversight_policy
from tests.governance.test_api import get, post
from tests.governance.test_findings import assert_refused, last_entry, later, said
from tests.registry.builders import a_model, the_builder
from tests.serving.builders import a_champion, a_decision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]


def a_model_that_decided(*incomes: float | None) -> ScoringModel:
    """A champion's model with one decision for each income: the amount by which the tests judge exposure."""
    version = a_champion()
    for income in incomes:
        a_decision(version, income=income)
    return version.model


def rules(**changes: Any) -> MaterialityRules:
    return MaterialityRules.from_json({**MATERIALITY, **changes})


@pytest.mark.parametrize(
    ("decisions", "amount", "regulatory_use", "expected"),
    [
        (2, None, "", ("low", "low", 3)),
        (3, None, "", ("medium", "low", 3)),
        (5, None, "", ("high", "low", 2)),
        (2, 100_000.0, "", ("medium", "low", 3)),
        (5, 1.0, "", ("high", "low", 2)),
        (2, 99_999.99, "IRB", ("low", "high", 2)),
        (4, 1_000_000.0, "IRB", ("high", "high", 1)),
    ],
)
def test_the_higher_band_counts_and_the_policy_makes_a_tier_of_it(
    decisions, amount, regulatory_use, expected
):
    judged = rules().judge(Exposure(decisions, amount), regulatory_use)

    assert (judged.exposure, judged.purpose, judged.tier) == expected


def test_an_assessment_keeps_its_numbers_and_proposes_a_tier(validator):
    policy = an_oversight_policy(materiality=MATERIALITY)
    model = a_model_that_decided(60_000.0, 50_000.5, None)

    found = assess_materiality(model, "Small, and growing.", by=validator)

    assert (found.decisions, found.amounts_known, found.amount) == (3, 2, 110_000.5)
    assert (found.amount_feature, found.amount_unit) == ("income", "USD per year")
    assert (found.exposure, found.purpose, found.proposed_tier, found.tier) == ("medium", "low", 3, 2)  # fmt: skip
    assert found.period_to - found.period_from == timedelta(days=90)
    entry = last_entry()
    assert entry.event == "governance.materiality.assessed"
    assert said(entry)["amount"] == "110000.5"
    assert said(entry)["policy_sha256"] == policy.sha256
    model.refresh_from_db()
    assert model.tier == 2
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        MaterialityAssessment.objects.update(proposed_tier=3)


def test_what_was_decided_before_the_period_does_not_count(validator, clock):
    an_oversight_policy(materiality=MATERIALITY)
    model = a_model_that_decided(900_000.0)
    clock(later(91))

    found = assess_materiality(model, "Nobody asks it any more.", by=validator)

    assert (found.decisions, found.exposure) == (0, "low")


def test_without_a_declared_amount_decisions_count_alone_and_it_is_said(validator):
    an_oversight_policy(materiality={**MATERIALITY, "amount_features": ["loan_amount", "purpose"]})
    model = a_model_that_decided(900_000.0)

    found = assess_materiality(model, "Volumes are all there is.", by=validator)

    assert (found.amount, found.amounts_known, found.exposure) == (None, 0, "low")
    assert "decisions alone" in found.basis
    assert "decisions alone" in said(last_entry())["basis"]


def test_the_purpose_is_read_from_the_inventory_of_that_moment(validator):
    an_oversight_policy(materiality=MATERIALITY)
    model = a_model()
    amend_model(model, {"regulatory_use": "IRB"}, WHY, by=the_builder())

    found = assess_materiality(model, "It feeds capital now.", by=validator)

    assert (found.purpose, found.proposed_tier, found.revision) == ("high", 2, 2)


def test_nothing_is_assessed_without_rules_or_without_words(validator):
    an_oversight_policy()
    model = a_model()

    with pytest.raises(NoMaterialityRules):
        assess_materiality(model, "Large.", by=validator)
    assert_refused("governance.materiality.assessed", "no-materiality-rules")
    with pytest.raises(RationaleMissing):
        assess_materiality(model, " ", by=validator)
    assert_refused("governance.materiality.assessed", "rationale-missing")

    assert not MaterialityAssessment.objects.exists()


def test_rules_that_cannot_be_followed_are_named_field_by_field():
    broken = {
        "window_days": 0,
        "decisions": {"medium": 5, "high": 5},
        "amount": {"medium": True, "high": 2},
        "amount_features": "income",
        "amount_unit": 1,
        "purpose": {"usual": "huge", "regulatory": "high"},
        "tiers": {**MATERIALITY["tiers"], "low": {"low": 4, "medium": 3, "high": 2}},
        "mood": "good",
    }

    with pytest.raises(OversightPolicyMalformed) as refusal:
        OversightPolicy.from_json({**OVERSIGHT, "materiality": broken})

    assert {problem.field for problem in refusal.value.errors} == {
        f"materiality.{name}"
        for name in ("window_days", "decisions", "amount", "amount_features", "amount_unit", "purpose", "tiers.low", "mood")
    }  # fmt: skip
    with pytest.raises(OversightPolicyMalformed) as refusal:
        OversightPolicy.from_json({**OVERSIGHT, "materiality": {}, "tier_change_days": {"1": 30}})
    assert {problem.field for problem in refusal.value.errors} == {
        "tier_change_days.2",
        "tier_change_days.3",
        *(f"materiality.{name}" for name in MATERIALITY),
    }


def test_a_tier_change_opens_one_revalidation_by_the_days_of_the_new_tier(validator):
    an_oversight_policy(tier_change_days={"1": 30, "2": 60, "3": 90})
    model = a_model(tier=2)
    change_tier(model, 1, "Volumes tripled.", by=validator)

    sweeps.answer_tier_changes()
    sweeps.answer_tier_changes()

    revalidation = Revalidation.objects.get()
    assert (revalidation.model, revalidation.cause) == (model, "tier_change")
    assert revalidation.due_on == timezone.now().date() + timedelta(days=30)
    answer = TierChangeAnswer.objects.get()
    assert answer.change == model.records.get(revision=2)
    assert said(Entry.objects.get(pk=answer.entry_id))["changed_in"] == str(answer.change.entry_id)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        TierChangeAnswer.objects.all().delete()


def test_a_second_change_is_answered_by_what_is_open_and_a_later_one_by_another(validator):
    an_oversight_policy()
    model = a_model(tier=2)
    for tier in (1, 3):
        change_tier(model, tier, "Its use changed.", by=validator)
    sweeps.answer_tier_changes()
    first = Revalidation.objects.get()
    assert first.tier_changes.count() == 2
    assert first.due_on == timezone.now().date()
    complete_revalidation(first.pk, "approved", "It still ranks well.", by=validator)

    change_tier(model, 2, "Its use changed again.", by=validator)
    sweeps.answer_tier_changes()

    assert Revalidation.objects.filter(cause="tier_change").count() == 2
    assert TierChangeAnswer.objects.count() == 3


def test_an_amendment_is_no_tier_change_and_nothing_is_answered_twice(validator):
    model = a_model(tier=2)
    amend_model(model, {"product": "Cards"}, WHY, by=the_builder())
    sweeps.answer_tier_changes()
    assert not Revalidation.objects.exists()
    change_tier(model, 1, "Volumes tripled.", by=validator)
    sweeps.answer_tier_changes()

    with pytest.raises(TierChangeAnswered):
        answer_tier_change(ModelRecord.objects.get(revision=3), by=service_account("monitor"))
    assert_refused("governance.tier_change.answered", "tier-change-answered")

    assert TierChangeAnswer.objects.count() == 1


def test_materiality_over_http(validator, developer, lending):
    an_oversight_policy(materiality=MATERIALITY)
    model = a_model()
    where = f"models/{model.name}/materiality"

    made = post(validator, where, rationale="Nothing decided yet.")

    assert (made.status_code, made.json()["proposed_tier"]) == (201, 3)
    assert get(developer, where).json()["results"][0]["basis"].startswith("decisions alone")
    assert post(validator, where, rationale="").status_code == 422
    assert post(developer, where, rationale="Mine.").status_code == 403
    assert get(lending, where).status_code == 403


def amended(signed_in: Any, by: User, model: ScoringModel, **changes: Any) -> Any:
    """What the form's page answers when it is sent as it was shown, but for the changes."""
    page = reverse("registry_scoringmodel_amend", args=[model.pk])
    client = signed_in(by)
    form = client.get(page).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    sent = {name: "" if value is None else value for name, value in shown.items()}
    return client.post(page, {**sent, **changes})


def test_the_inventory_is_amended_in_the_admin_and_the_state_before_stays(developer, signed_in):
    model = a_model(limitations="New to credit:\nthin files.")

    answer = amended(
        signed_in, developer, model, actual_use="Decides in two branches", rationale=WHY,
        approved_uses="Decide applications\r\n\r\nSet limits", complexity="high", label_window_months="12",
        owner="dana", limitations="New to credit:\r\nthin files.",
    )  # fmt: skip

    assert answer.status_code == 302
    model.refresh_from_db()
    assert model.approved_uses == ["Decide applications", "Set limits"]
    assert (model.actual_use, model.complexity, model.label_window_months, model.owner) == (
        "Decides in two branches", "high", 12, developer,
    )  # fmt: skip
    assert set(said(last_entry())["after"]) == {
        "actual_use", "approved_uses", "complexity", "label_window_months", "owner",
    }  # fmt: skip
    page = reverse("admin:registry_scoringmodel_change", args=[model.pk])
    assert WHY in signed_in(developer).get(page).content.decode()


def test_an_amendment_that_is_refused_says_so_at_its_field_and_keeps_what_was_typed(
    developer, signed_in
):
    model = a_model()

    answer = amended(
        signed_in, developer, model, title="", owner="nobody", product="Cards", rationale=WHY
    )

    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {"title", "owner"}
    assert form["product"].value() == "Cards"
    assert_refused("registry.model.amended", "invalid-input")
    model.refresh_from_db()
    assert (model.title, model.product) == ("Consumer loans", "Unsecured loan")


def test_assessing_and_changing_the_tier_are_buttons_of_those_who_may(
    validator, developer, signed_in
):
    an_oversight_policy(materiality=MATERIALITY)
    model = a_model(tier=2)
    assess = reverse("registry_scoringmodel_assess-materiality", args=[model.pk])
    tier = reverse("registry_scoringmodel_change-tier", args=[model.pk])

    assert signed_in(validator).post(assess, {"rationale": "Little is decided."}).status_code == 302
    assert signed_in(validator).post(tier, {"tier": "3", "rationale": WHY}).status_code == 302
    assert signed_in(developer).post(assess, {"rationale": "Mine."}).status_code == 403

    model.refresh_from_db()
    assert (model.tier, MaterialityAssessment.objects.get().proposed_tier) == (3, 3)

"""Assessing how material a model is, from what it decided and what it is for."""

from dataclasses import asdict
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.errors import NoMaterialityRules
from governance.events import Event
from governance.models import MaterialityAssessment
from governance.queries.materiality import exposure_of
from governance.queries.policies import oversight_policy
from governance.words import require_words
from registry.models import ScoringModel


@action(Event.MATERIALITY_ASSESSED, needs="governance.assess_materiality")
def assess_materiality(model: ScoringModel, rationale: str, *, by: User) -> MaterialityAssessment:
    """Assess a model by what it decided in the days before now that the oversight policy counts, and propose a tier.

    The tier stays as it is: changing it is an act of its own. Raises RationaleMissing, NoOversightPolicy or
    NoMaterialityRules.
    """
    now = timezone.now()
    require_words("rationale", rationale, "Say what the numbers mean for this model.")
    policy, oversight = oversight_policy(model, now)
    rules = oversight.materiality
    if rules is None:
        raise NoMaterialityRules(f"{policy} says nothing about materiality.")
    model = ScoringModel.objects.select_for_update().get(pk=model.pk)
    start = now - timedelta(days=rules.window_days)
    exposure = exposure_of(model, start, now, rules.amount_features, rules.amount_unit)
    judged = rules.judge(exposure, model.regulatory_use)
    assessment = MaterialityAssessment(
        model=model,
        revision=model.revision,
        policy=policy,
        period_from=start,
        period_to=now,
        exposure=judged.exposure,
        purpose=judged.purpose,
        basis=judged.basis,
        tier=model.tier,
        proposed_tier=judged.tier,
        rationale=rationale,
        assessed_by=by,
        assessed_at=now,
        **asdict(exposure),
    )
    assessment.entry = record(
        subject=assessment,
        model=model.name,
        revision=model.revision,
        period_from=start,
        period_to=now,
        decisions=exposure.decisions,
        amount=None if exposure.amount is None else repr(exposure.amount),
        amounts_known=exposure.amounts_known,
        amount_feature=exposure.amount_feature,
        amount_unit=exposure.amount_unit,
        exposure=judged.exposure,
        purpose=judged.purpose,
        basis=judged.basis,
        regulatory_use=model.regulatory_use,
        tier=model.tier,
        proposed_tier=judged.tier,
        rationale=rationale,
        policy=str(policy),
        policy_sha256=policy.sha256,
    )
    assessment.save(force_insert=True)
    return assessment

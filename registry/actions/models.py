"""Acts on the inventory."""

import re
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import FieldProblem, InvalidInput
from registry.errors import ModelExists
from registry.events import Event
from registry.models import ScoringModel

TIERS = (1, 2, 3)


@action(Event.MODEL_REGISTERED, needs="registry.register_model")
def register_model(
    name: str,
    *,
    by: User,
    title: str,
    purpose: str,
    label_meaning: str,
    tier: int,
    tier_rationale: str,
    owner: User,
    product: str = "",
    approved_uses: list[str] | None = None,
    prohibited_uses: list[str] | None = None,
    jurisdictions: list[str] | None = None,
    regulatory_use: str = "",
    limitations: str = "",
) -> ScoringModel:
    """Enter a scoring model into the inventory. `name` is the `{model}` of addresses and never changes.

    Raises InvalidInput naming every field at fault, or ModelExists.
    """
    texts: dict[str, Any] = {
        "title": title,
        "purpose": purpose,
        "label_meaning": label_meaning,
        "tier_rationale": tier_rationale,
    }
    problems = [
        FieldProblem(field, "blank", "Must not be empty.")
        for field, text in texts.items()
        if not text.strip()
    ]
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,49}", name):
        problems.append(
            FieldProblem(
                "name", "malformed", "Up to 50 small letters, digits, hyphens, underscores."
            )
        )
    if tier not in TIERS:
        problems.append(FieldProblem("tier", "out_of_range", "Must be 1, 2 or 3."))
    if problems:
        raise InvalidInput("The model cannot be registered; see `errors`.", errors=problems)
    if ScoringModel.objects.filter(name=name).exists():
        raise ModelExists(f"The inventory already holds a model {name!r}.")
    model = ScoringModel(
        name=name,
        product=product,
        approved_uses=approved_uses or [],
        prohibited_uses=prohibited_uses or [],
        jurisdictions=jurisdictions or [],
        regulatory_use=regulatory_use,
        tier=tier,
        owner=owner,
        limitations=limitations,
        created_at=timezone.now(),
        **texts,
    )
    model.entry = record(
        subject=model.subject,
        tier=tier,
        owner=owner.get_username(),
        product=product,
        approved_uses=model.approved_uses,
        prohibited_uses=model.prohibited_uses,
        jurisdictions=model.jurisdictions,
        regulatory_use=regulatory_use,
        limitations=limitations,
        **texts,
    )
    model.save(force_insert=True)
    return model

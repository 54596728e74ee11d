"""Acts on the inventory."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import FieldProblem, InvalidInput
from audit.models import Entry
from registry.errors import ModelExists, NothingAmended
from registry.events import Event
from registry.models import ModelRecord, ScoringModel
from registry.models.inventory import AMENDABLE

TIERS = (1, 2, 3)
REQUIRED = frozenset({"title", "purpose", "label_meaning"})
LISTS = frozenset({"approved_uses", "prohibited_uses", "jurisdictions", "users", "dependencies"})
RATINGS = frozenset({"complexity", "inherent_risk"})
LONGEST = 200
SHORT = frozenset({"title", "product", "regulatory_use", "vendor"})


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
    _keep_record(model, model.created_at, model.entry, by)
    return model


@action(Event.MODEL_AMENDED, needs="registry.amend_model")
def amend_model(
    model: ScoringModel, changes: Mapping[str, Any], rationale: str, *, by: User
) -> ScoringModel:
    """Change fields of a model's entry in the inventory; its tier is an act of its own.

    Raises InvalidInput naming every field at fault, or NothingAmended.
    """
    problems = [
        problem for name, value in changes.items() for problem in _amendment_problems(name, value)
    ]
    if problems := problems + _rationale_problems(rationale):
        raise InvalidInput("The model cannot be amended so; see `errors`.", errors=problems)
    model = _locked(model)
    before = model.inventory
    for name, value in changes.items():
        setattr(model, name, value)
    after = model.inventory
    changed = [name for name in AMENDABLE if before[name] != after[name]]
    if not changed:
        raise NothingAmended(f"The inventory says all of that about {model} already.")
    entry = record(
        subject=model.subject,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        rationale=rationale,
    )
    _revise(model, changed, entry, by, rationale)
    return model


@action(Event.TIER_CHANGED, needs="registry.change_tier")
def change_tier(model: ScoringModel, tier: int, rationale: str, *, by: User) -> ScoringModel:
    """Move a model to another tier, for the reason given. Raises InvalidInput or NothingAmended."""
    problems = _rationale_problems(rationale)
    if tier not in TIERS:
        problems.append(FieldProblem("tier", "out_of_range", "Must be 1, 2 or 3."))
    if problems:
        raise InvalidInput("The tier cannot be changed so; see `errors`.", errors=problems)
    model = _locked(model)
    if model.tier == tier:
        raise NothingAmended(f"{model} is in tier {tier} already.")
    entry = record(subject=model.subject, before=model.tier, tier=tier, rationale=rationale)
    model.tier = tier
    model.tier_rationale = rationale
    _revise(model, ["tier", "tier_rationale"], entry, by, rationale)
    return model


def _locked(model: ScoringModel) -> ScoringModel:
    return (
        ScoringModel.objects.select_for_update(of=("self",))
        .select_related("owner")
        .get(pk=model.pk)
    )


def _revise(
    model: ScoringModel, changed: list[str], entry: Entry, by: User, rationale: str
) -> None:
    model.revision += 1
    _keep_record(model, entry.occurred_at, entry, by, rationale)
    model.save(update_fields=[*changed, "revision"])


def _keep_record(
    model: ScoringModel, valid_from: datetime, entry: Entry, by: User, rationale: str = ""
) -> None:
    ModelRecord.objects.create(
        model=model,
        revision=model.revision,
        body=model.inventory,
        rationale=rationale,
        recorded_by=by,
        valid_from=valid_from,
        entry=entry,
    )


def _rationale_problems(rationale: str) -> list[FieldProblem]:
    return [] if rationale.strip() else [FieldProblem("rationale", "blank", "Must not be empty.")]


def _amendment_problems(name: str, value: object) -> list[FieldProblem]:
    """What is wrong with the new value of one field."""
    if name not in AMENDABLE:
        return [FieldProblem(name, "unexpected", "No field that an amendment changes.")]
    if name == "owner":
        return [] if isinstance(value, User) else [FieldProblem(name, "unknown", "No user.")]
    if name == "label_window_months":
        whole = value is None or (type(value) is int and 0 < value <= 600)
        return [] if whole else [FieldProblem(name, "out_of_range", "1 to 600 months, or null.")]
    if name in LISTS:
        texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
        return [] if texts else [FieldProblem(name, "wrong_type", "Must be a list of texts.")]
    if not isinstance(value, str):
        return [FieldProblem(name, "wrong_type", "Must be a text.")]
    if name in REQUIRED and not value.strip():
        return [FieldProblem(name, "blank", "Must not be empty.")]
    if name in RATINGS and value not in ("", *ScoringModel.Rating.values):
        return [FieldProblem(name, "unknown", "One of low, medium, high, or empty.")]
    if name in SHORT and len(value) > LONGEST:
        return [FieldProblem(name, "too_long", f"At most {LONGEST} characters.")]
    return []

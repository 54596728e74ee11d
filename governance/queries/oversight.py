"""Named reads about attestations and revalidations: what was said, and what is due when."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from audit.months import months_after
from governance.errors import NoSuchRevalidation
from governance.models import Attestation, Revalidation, TierChangeAnswer
from governance.oversight_policy import OversightPolicy
from registry.applicable import policies_for
from registry.events import Event
from registry.models import ModelRecord, ModelVersion, Policy, ScoringModel


def attestations() -> QuerySet[Attestation]:
    """All attestations, newest first."""
    return Attestation.objects.select_related("model", "attested_by", "policy")


def attested_until(model: ScoringModel) -> date:
    """The last day that the owner attested for; the day of registration before that."""
    last = attestations().filter(model=model).order_by("-to_on").first()
    return last.to_on if last else model.created_at.date()


def attestations_due(at: datetime) -> Iterator[tuple[ScoringModel, date]]:
    """When each model's owner attests next: as the last attestation said, else the tier's period after registration.

    Models without an oversight policy are `without_oversight`.
    """
    said = _said_last(Attestation.objects.order_by("-to_on"))
    for model, policy in _overseen(at):
        months = policy.attestation_months[str(model.tier)]
        yield model, said[model.pk] or months_after(model.created_at.date(), months)


def overdue_attestations(at: datetime) -> list[tuple[ScoringModel, date]]:
    """Models whose owner is late, with the day it was due, the longest overdue first."""
    late = [(model, due_on) for model, due_on in attestations_due(at) if due_on < at.date()]
    return sorted(late, key=lambda row: row[1])


def revalidation_with(revalidation_id: UUID) -> Revalidation:
    """Raises NoSuchRevalidation."""
    found = revalidations().filter(pk=revalidation_id).first()
    if found is None:
        raise NoSuchRevalidation(f"There is no revalidation {revalidation_id}.")
    return found


def revalidations() -> QuerySet[Revalidation]:
    """All revalidations, newest first."""
    return Revalidation.objects.select_related("model", "opened_by", "completed_by")


def open_revalidations() -> QuerySet[Revalidation]:
    """Those that run out of time first, first."""
    return revalidations().filter(state=Revalidation.State.OPEN).order_by("due_on", "pk")


def revalidations_due(at: datetime) -> Iterator[tuple[ScoringModel, date]]:
    """When each model is validated next: as the last completed revalidation said, else as for attestations."""
    completed = Revalidation.objects.filter(state=Revalidation.State.COMPLETED)
    said = _said_last(completed.order_by("-completed_at"))
    for model, policy in _overseen(at):
        months = policy.revalidation_months[str(model.tier)]
        yield model, said[model.pk] or months_after(model.created_at.date(), months)


def periodic_revalidations_due(at: datetime) -> Iterator[tuple[ScoringModel, date]]:
    """Models whose period has passed and that no open periodic revalidation answers, with the day it passed."""
    answered = open_revalidations().filter(cause=Revalidation.Cause.PERIODIC)
    known = set(answered.values_list("model", flat=True))
    for model, due_on in revalidations_due(at):
        if model.pk not in known and due_on <= at.date():
            yield model, due_on


def unanswered_tier_changes() -> QuerySet[ModelRecord]:
    """The records that a change of tier left and that no revalidation answers, the oldest first."""
    answers = TierChangeAnswer.objects.filter(change=OuterRef("pk"))
    changed = ModelRecord.objects.filter(~Exists(answers), entry__event=Event.TIER_CHANGED)
    return changed.select_related("model").order_by("pk")


def without_oversight(at: datetime) -> list[ScoringModel]:
    """Models for which no oversight policy is in force, so that nothing of theirs has a due date."""
    overseen = {model.pk for model, _ in _overseen(at)}
    return [model for model in ScoringModel.objects.all() if model.pk not in overseen]


def developers_of(model: ScoringModel) -> set[int]:
    """Who developed any version of the model, by primary key."""
    versions = ModelVersion.objects.filter(model=model)
    return set(versions.order_by().values_list("developed_by", flat=True))


def _overseen(at: datetime) -> Iterator[tuple[ScoringModel, OversightPolicy]]:
    models = list(ScoringModel.objects.select_related("owner"))
    policies = policies_for(Policy.Kind.OVERSIGHT, models, at)
    for model in models:
        if model.name in policies:
            yield model, OversightPolicy.from_json(policies[model.name].body)


def _said_last(newest_first: QuerySet[Any]) -> dict[int, date | None]:
    """By model, the next due date in the first of its rows; None where it has no row."""
    said = newest_first.filter(model=OuterRef("pk")).values("next_due_on")[:1]
    return dict(ScoringModel.objects.values_list("pk", Subquery(said)))

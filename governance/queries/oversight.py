"""Named reads about attestations and revalidations: what was said, and what is due when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from audit.months import months_after
from governance.errors import NoOversightPolicy, NoSuchRevalidation
from governance.models import Attestation, Revalidation
from governance.queries.policies import oversight_policy
from registry.models import ModelVersion, ScoringModel


@dataclass(frozen=True)
class DueAttestation:
    """What the owner of a model is to attest, and by when."""

    model: ScoringModel
    owner: User
    due_on: date


def attestations() -> QuerySet[Attestation]:
    """All attestations, newest first."""
    return Attestation.objects.select_related("model", "attested_by", "policy")


def attested_until(model: ScoringModel) -> date:
    """The last day that the owner attested for; the day of registration before that."""
    last = attestations().filter(model=model).order_by("-to_on").first()
    return last.to_on if last else model.created_at.date()


def attestation_due_on(model: ScoringModel, at: datetime) -> date:
    """As the last attestation said, else the tier's period after registration. Raises NoOversightPolicy."""
    last = attestations().filter(model=model).order_by("-to_on").first()
    if last is not None:
        return last.next_due_on
    _, policy = oversight_policy(model, at)
    return months_after(model.created_at.date(), policy.attestation_months[str(model.tier)])


def overdue_attestations(at: datetime) -> list[DueAttestation]:
    """The longest overdue first. Models without an oversight policy are `without_oversight`."""
    due = [
        DueAttestation(model, model.owner, attestation_due_on(model, at))
        for model in _overseen_models(at)
    ]
    return sorted((row for row in due if row.due_on < at.date()), key=lambda row: row.due_on)


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


def revalidation_due_on(model: ScoringModel, at: datetime) -> date:
    """As the last completed one said, else the tier's period after registration. Raises NoOversightPolicy."""
    completed = revalidations().filter(model=model, state=Revalidation.State.COMPLETED)
    last = completed.order_by("-completed_at").first()
    if last is not None and last.next_due_on is not None:
        return last.next_due_on
    _, policy = oversight_policy(model, at)
    return months_after(model.created_at.date(), policy.revalidation_months[str(model.tier)])


def periodic_revalidations_due(at: datetime) -> Iterator[tuple[ScoringModel, date]]:
    """Models whose period has passed and that no open periodic revalidation answers, with the day it passed."""
    answered = open_revalidations().filter(cause=Revalidation.Cause.PERIODIC)
    known = set(answered.values_list("model", flat=True))
    for model in _overseen_models(at):
        if model.pk not in known and (due_on := revalidation_due_on(model, at)) <= at.date():
            yield model, due_on


def without_oversight(at: datetime) -> list[ScoringModel]:
    """Models for which no oversight policy is in force, so that nothing of theirs has a due date."""
    return [model for model in ScoringModel.objects.all() if not _is_overseen(model, at)]


def developers_of(model: ScoringModel) -> set[int]:
    """Who developed any version of the model, by primary key."""
    versions = ModelVersion.objects.filter(model=model)
    return set(versions.order_by().values_list("developed_by", flat=True))


def _overseen_models(at: datetime) -> list[ScoringModel]:
    models = ScoringModel.objects.select_related("owner")
    return [model for model in models if _is_overseen(model, at)]


def _is_overseen(model: ScoringModel, at: datetime) -> bool:
    try:
        oversight_policy(model, at)
    except NoOversightPolicy:
        return False
    return True

"""Named reads about retraining cases."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from governance.errors import NoSuchCase
from governance.models import CaseAlert, CaseStep, RetrainingCase
from monitoring.models import Alert
from monitoring.queries.reports import alerts
from monitoring.triggers import Trigger
from registry.models import ModelVersion, Stage

# What a trigger says about its cause: one case answers all alerts of one cause.
CAUSES: dict[str, str] = {
    Trigger.DRIFT_KS_D: "population_drift",
    Trigger.DRIFT_PSI: "population_drift",
    Trigger.PREDICTION_MEAN_SHIFT: "population_drift",
    Trigger.MISSING_RATE_SHIFT: "population_drift",
    Trigger.ADVERSE_IMPACT_RATIO: "adverse_impact",
    Trigger.DELAYED_LABEL_ACCURACY: "performance",
    Trigger.DELAYED_LABEL_AUC: "performance",
    Trigger.OBSERVED_EXPECTED: "performance",
}
BY_HAND = "requested_by_a_person"
STEPS = tuple(CaseStep.Name)


def case_with(case_id: UUID) -> RetrainingCase:
    """Raises NoSuchCase."""
    case = cases().filter(pk=case_id).first()
    if case is None:
        raise NoSuchCase(f"There is no retraining case {case_id}.")
    return case


def cases() -> QuerySet[RetrainingCase]:
    """All cases, newest first, with what a reader asks for next."""
    return RetrainingCase.objects.select_related(
        "model", "candidate_version__model"
    ).prefetch_related("steps__actor", "alerts__alert", "warnings")


def open_cases() -> QuerySet[RetrainingCase]:
    """Cases that are not closed, the breached ones among them, the next due first."""
    return cases().filter(closed_at=None).order_by("due_at")


def cases_of_candidate(version: ModelVersion) -> QuerySet[RetrainingCase]:
    return open_cases().filter(candidate_version=version)


def alerts_without_case() -> QuerySet[Alert]:
    """Confirmed alerts about a champion that no case answers yet, the oldest first. Those about reasons open incidents."""
    answered = CaseAlert.objects.filter(alert=OuterRef("pk"))
    return (
        alerts()
        .filter(
            ~Exists(answered),
            confirmed=True,
            version__stage=Stage.PRODUCTION,
            trigger__in=CAUSES,
        )
        .order_by("detected_at", "pk")
    )


def next_step(case: RetrainingCase) -> CaseStep.Name | None:
    """The first step that is not done; None when a step stopped the case, or all are done."""
    steps = {step.step: step for step in case.steps.all()}
    for name in STEPS:
        step = steps.get(name)
        if step is None or step.finished_at is None:
            return name
        if step.outcome == CaseStep.Outcome.STOPPED:
            return None
    return None


def step_of(case: RetrainingCase, name: CaseStep.Name) -> CaseStep | None:
    return CaseStep.objects.filter(case=case, step=name).first()


def is_held(step: CaseStep | None, at: datetime) -> bool:
    """Whether a worker is at this step now."""
    return step is not None and step.finished_at is None and step.held_until > at

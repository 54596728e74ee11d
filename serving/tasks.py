"""What workers do for this floor."""

from contextlib import suppress

from celery import shared_task
from django.utils import timezone

from audit.context import acting
from audit.queries import service_account
from serving.actions.observations import forget_erased_people
from serving.actions.shadows import score_shadow
from serving.errors import DeploymentEnded, NothingToScore
from serving.models import GuardRailBreach
from serving.queries import erased_observations
from serving.rollouts import erased_shadow_scores, shadows_in_force, unscored_decisions


@shared_task(name="serving.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    if erased_observations().exists() or erased_shadow_scores().exists():
        forget_erased_people(by=service_account("monitor"))


@shared_task(name="serving.score_shadows")
def score_shadows() -> None:
    """Scheduled: versions in the shadow score what was decided since, a few hundred at a time, until nothing is left."""
    monitor = service_account("monitor")
    with acting(trigger="schedule"):
        for step in shadows_in_force(timezone.now()).select_related("model", "version"):
            with suppress(DeploymentEnded, NothingToScore):  # another worker was faster
                while unscored_decisions(step).exists():
                    if isinstance(score_shadow(step.pk, by=monitor), GuardRailBreach):
                        break

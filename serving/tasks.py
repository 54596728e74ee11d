"""What workers do for this floor."""

import secrets
from contextlib import suppress

from celery import shared_task
from django.utils import timezone

from audit.context import acting
from audit.queries import service_account
from serving.actions.observations import forget_erased_people
from serving.actions.replays import replay_sample
from serving.actions.request_counts import record_request_counts as record_counts
from serving.actions.shadows import score_shadow
from serving.asking import ask_due
from serving.errors import DeploymentEnded, NothingToScore
from serving.models import GuardRailBreach
from serving.notices import watching
from serving.queries import erased_letters, erased_observations, request_counts_before
from serving.rejudging import SETTLING
from serving.rollouts import erased_shadow_scores, shadows_in_force, unscored_decisions
from serving.sampling import models_that_decided


@shared_task(name="serving.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    erased = (erased_observations, erased_letters, erased_shadow_scores)
    if any(rows().exists() for rows in erased):
        forget_erased_people(by=service_account("monitor"))


@shared_task(name="serving.replay_samples")
def replay_samples() -> None:
    """Scheduled: a random sample of each model's decisions is judged again. What is still being recorded is left to the next."""
    until = timezone.now() - SETTLING
    with acting(trigger="schedule"):
        for model in models_that_decided():
            replay_sample(model, until, secrets.randbits(62), by=service_account("monitor"))


@shared_task(name="serving.ask_probes")
def ask_probes() -> None:
    """Scheduled every minute: versions in service whose minute it is are asked for their known answers."""
    with acting(trigger="schedule"):
        ask_due(timezone.now(), by=service_account("monitor"))


@shared_task(name="serving.watch_notices")
def watch_notices() -> None:
    """Scheduled: alerts and late facts about applicants who were not told yet."""
    with acting(trigger="clock"):
        watching.watch_notices(by=service_account("monitor"))


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


@shared_task(name="serving.record_request_counts")
def record_request_counts() -> None:
    """Scheduled: what limited clients asked for in the hours that are over. Nothing is recorded where nobody is limited."""
    this_hour = int(timezone.now().timestamp()) // 3600 * 60
    if request_counts_before(this_hour).exists():
        record_counts(this_hour, by=service_account("monitor"))

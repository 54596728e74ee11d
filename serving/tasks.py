"""What workers do for this floor."""

import secrets

from celery import shared_task
from django.utils import timezone

from audit.context import acting
from audit.queries import service_account
from serving.actions.observations import forget_erased_people
from serving.actions.replays import replay_sample
from serving.asking import ask_due
from serving.notices import watching
from serving.queries import erased_letters, erased_observations
from serving.rejudging import SETTLING
from serving.sampling import models_that_decided


@shared_task(name="serving.forget_erased")
def forget_erased() -> None:
    """Scheduled: whoever was erased is forgotten here too. Nothing is recorded where there is nobody."""
    if erased_observations().exists() or erased_letters().exists():
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
